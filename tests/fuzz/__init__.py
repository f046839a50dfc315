"""Random and mutated input for everything that reads what strangers and the model write: `make fuzz`."""
