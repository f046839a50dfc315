"""Read a unified diff exactly, and make the anchors that comments stand on. Knows nothing of reviews."""
