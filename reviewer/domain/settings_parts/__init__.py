"""What the settings are made of: the sections and their values, lists read entry by entry, and the YAML below. Pure."""
