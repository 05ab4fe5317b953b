"""Accounts: who somebody is, and where they are signed in."""
