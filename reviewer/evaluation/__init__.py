"""Measure the reviewer on changes with known defects: `reviewer eval`.

The review is the same as that of `reviewer diff`; nothing here changes it.
"""
