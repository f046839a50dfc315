"""Write and read the hidden markers in our own comments, the only memory that the App and the Action share."""
