"""Data only: the templates of what the model is told. `reviewer.prompting` renders them."""
