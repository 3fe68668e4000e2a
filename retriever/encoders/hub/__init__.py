"""Fetching of models from the Hugging Face Hub into its local cache."""
