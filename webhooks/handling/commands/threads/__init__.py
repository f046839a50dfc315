"""Commands about the threads of findings."""
