"""Recall and latency: the protocol, and sweeps over the settings of an index."""
