"""The size lab: the number of vectors."""
