"""The set-up page: what `make serve` shows while no App is named: register one, prove the key, store both."""
