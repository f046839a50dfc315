"""Find what was missed while the App was down: failed deliveries, pull requests without a review."""
