"""Programming languages: endings, grammars, definitions, syntax errors, imports."""
