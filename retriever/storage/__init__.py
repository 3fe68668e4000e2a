"""Retrievers on disk: written atomically, and read without trusting the files."""
