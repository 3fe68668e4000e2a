"""Texts in, ranked texts out."""
