"""Show findings by tests that fail, and fixes by tests that pass, run in the sandbox. Never on the App's server."""
