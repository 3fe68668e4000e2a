"""Retrieval quality: relevance judgments, trec_eval's measures, and significance tests."""
