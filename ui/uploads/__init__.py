"""Files from visitors: received, kept for a while, parsed."""
