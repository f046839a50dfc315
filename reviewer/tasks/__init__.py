"""What the model is asked to do: review, recheck, answer a question, suggest tests; and the steps of it."""
