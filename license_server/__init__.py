"""The license server: who a creator is, what they pay, and how much they may do this month."""
