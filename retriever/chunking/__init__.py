"""Documents cut into overlapping chunks of a bounded number of tokens."""
