"""Ranking by a language model of the user's: what it is asked, how its answers are read and counted."""
