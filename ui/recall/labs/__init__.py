"""The build lab and the size lab of the Recall against latency tab."""
