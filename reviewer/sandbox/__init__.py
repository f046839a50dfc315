"""Run untrusted commands without network, secrets or write access. Nothing here depends on tests or reviews."""
