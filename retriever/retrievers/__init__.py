"""Dense retrieval: texts are embedded and indexed, and a query ranks them or their documents."""
