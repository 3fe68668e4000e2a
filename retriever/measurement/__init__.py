"""Measurement of recall and latency: the protocol, and sweeps over the settings and the size of an index."""
