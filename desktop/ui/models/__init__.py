"""What the window shows, without widgets: models that announce their changes."""
