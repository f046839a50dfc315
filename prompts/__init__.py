"""The templates of the prompts. Data only. `reviewer.tasks.conversation.prompts` renders them."""
