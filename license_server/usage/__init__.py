"""Usage: how much of each meter an account has used, holds, and has left in its period."""
