"""Talk about a finding in its thread: read the thread, decide whether to answer, answer or withdraw."""
