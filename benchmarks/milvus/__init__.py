"""A million passages in the embedded Milvus server: python -m benchmarks.milvus."""
