"""The Python docs: docstrings of the installed packages as a collection."""
