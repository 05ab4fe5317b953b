"""Pixels and input: widgets that hold no logic."""
