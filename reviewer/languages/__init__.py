"""What is known of programming languages: names, grammars, outlines, syntax errors, imports."""
