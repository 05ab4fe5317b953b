"""Tiers: what free, pro and premium give, and which one an account has."""
