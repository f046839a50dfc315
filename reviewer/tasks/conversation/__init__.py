"""Write prompts, read replies, ask again, and answer the model's requests to see code."""
