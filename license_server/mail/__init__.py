"""Mail to people: what is written, kept until it is sent, and sent."""
