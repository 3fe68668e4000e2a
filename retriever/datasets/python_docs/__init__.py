"""The Python docs collection: docstrings of the installed packages."""
