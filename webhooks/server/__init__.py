"""Accept webhook deliveries over HTTP: verify, store, answer."""
