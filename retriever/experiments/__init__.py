"""Comparisons that combine all of the above: searches, models, and what loses an answer."""
