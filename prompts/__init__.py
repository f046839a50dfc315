"""Data only: the templates of what the model is told. `reviewer.tasks.conversation.prompts` renders them."""
