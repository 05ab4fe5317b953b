"""What was pasted, and where its bytes are."""
