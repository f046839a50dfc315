"""Tests of languages other than Python: how their runners are found, called and read."""
