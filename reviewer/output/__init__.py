"""Show a finished review: terminal, Markdown, JSON, SARIF. Never posts anything."""
