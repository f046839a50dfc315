"""Commands that review the change, or suggest code for it."""
