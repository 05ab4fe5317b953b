"""The window's parts: they show models and pass on what the user does."""
