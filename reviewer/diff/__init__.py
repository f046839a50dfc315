"""Parse unified diffs, and make the anchors to which comments are attached. Nothing here depends on reviews."""
