"""How points come down: many rows at once, each with its own step."""
