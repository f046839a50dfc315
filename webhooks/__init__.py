"""GitHub in, GitHub out: deliveries become jobs, reviews become publications."""
