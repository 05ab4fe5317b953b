"""Billing: what is paid through Stripe, and which tier that gives."""
