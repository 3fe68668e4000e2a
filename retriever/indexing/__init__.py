"""Indexing: from documents to a collection that can be searched and measured."""
