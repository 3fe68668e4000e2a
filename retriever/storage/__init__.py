"""Saved retrievers: written atomically, and checked when read, because the files are untrusted."""
