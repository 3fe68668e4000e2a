"""Collections of documents, with queries and relevance judgments where there are any."""
