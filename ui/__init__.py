"""The Gradio app: the page, its jobs, its uploads and its server; retrieval is in the `retriever` package."""
