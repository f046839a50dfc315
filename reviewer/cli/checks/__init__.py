"""`reviewer doctor` and `reviewer config`: check what a review needs before it is needed."""
