"""The gate: which requests reach the page, how much of them, and how long what they ask is kept."""
