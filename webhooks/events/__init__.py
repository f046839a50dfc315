"""Turn deliveries into jobs and comments into commands. Pure."""
