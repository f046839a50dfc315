"""What the App needs at GitHub, and how it is registered there. Pure."""
