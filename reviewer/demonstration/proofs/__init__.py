"""Show a finding by a test that fails: what a claim says, the gates of a test, the rounds with the model."""
