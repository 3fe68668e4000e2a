"""The retrievers of a comparison: what can be chosen, and how each is made."""
