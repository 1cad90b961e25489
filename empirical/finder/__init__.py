"""The path finder: its settings, its search over many pairs at once, the paths it finds, and what vouches for them."""
