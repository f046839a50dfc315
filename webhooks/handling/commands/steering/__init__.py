"""Commands that steer the reviewer or tell how it is set; they cost nothing."""
