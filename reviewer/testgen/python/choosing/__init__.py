"""Choose what deserves a test, where it goes, and how the existing tests are run."""
