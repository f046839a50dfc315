"""Ask a model over an OpenAI-compatible API: messages, prices, streaming, retries, errors. Never repairs a reply."""
