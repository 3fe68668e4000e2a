"""Collections of documents, with questions and judgments where there are any."""
