"""The tasks that the model is asked to do: review, recheck, answer a question, suggest tests; and their steps."""
