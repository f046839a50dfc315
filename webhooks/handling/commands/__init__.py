"""The commands that people write in comments: one module each, and the table that lists them."""
