"""What the App tells its operator while it works: log lines, and traces for a collector."""
