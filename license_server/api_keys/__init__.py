"""API keys: how programs of a Pro or Premium account call the API without signing in."""
