"""Who may do how much: API client, keyring, lease, ledger, permits."""
