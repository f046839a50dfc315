"""Run tests of the person's own checkout: suggested ones, and those that show findings and fixes."""
