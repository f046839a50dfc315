"""Judge whether a replacement is about exactly the lines that it replaces, and mend how it is written. Never parses."""
