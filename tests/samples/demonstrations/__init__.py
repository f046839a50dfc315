"""Claims about small projects, true and false, with what a model would write about each, and how each must end."""
