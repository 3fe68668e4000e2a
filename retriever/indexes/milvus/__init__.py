"""An index in a Milvus server, a cluster or the embedded server; the client is imported only when one is made."""
