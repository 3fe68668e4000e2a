"""Retrieval quality: judgments, trec_eval's measures, and whether a difference could be chance."""
