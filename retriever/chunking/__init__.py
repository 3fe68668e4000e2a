"""Splitting of documents into overlapping chunks of a bounded number of tokens."""
