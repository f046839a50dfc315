"""Write a finished review as text, Markdown, JSON or SARIF. Never posts anything."""
