"""A Milvus server beside this process: copies of collections in it, which are searched and measured there."""
