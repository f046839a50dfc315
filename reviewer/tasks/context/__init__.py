"""Gather the code around a change that helps to judge it, within a budget."""
