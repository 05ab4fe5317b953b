"""Signals: each module says one thing about every moment, as a curve with a name and a unit."""
