"""Leases: signed allowances of a device, and the settling of what it spent."""
