"""The service and the model that are asked where nothing else is set. Imports nothing: `--help` shows them."""

DEFAULT_BASE_URL = "https://runapi.ai/v1"
DEFAULT_MODEL = "MiniMax-M2.1"
