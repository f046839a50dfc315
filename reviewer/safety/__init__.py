"""Make untrusted text harmless: secrets, Markdown, terminals. Pure functions."""
