"""The server itself: whether it is well, and what was done on it."""
