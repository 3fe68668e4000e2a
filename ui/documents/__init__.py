"""The Documents tab: load documents and build a collection."""
