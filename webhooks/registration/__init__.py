"""What the App needs at GitHub, how it is registered there, and where the credentials of a set-up are kept."""
