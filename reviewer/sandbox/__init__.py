"""Run a command that is not trusted, without network, secrets or write access. Knows nothing of tests."""
