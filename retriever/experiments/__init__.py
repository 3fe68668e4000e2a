"""Experiments on indexed collections: comparing searches and models, and attributing lost answers."""
