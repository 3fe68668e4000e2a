"""What a comparison says in words. Pure functions."""
