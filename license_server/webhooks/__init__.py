"""Outgoing webhooks: telling the programs of Premium accounts what happens, signed and until they listen."""
