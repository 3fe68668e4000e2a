"""The Search tab: one question, answered exactly and by HNSW."""
