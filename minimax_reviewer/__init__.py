"""What an installation puts among other people's packages: the launcher, and the product below it."""
