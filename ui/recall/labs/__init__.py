"""The labs of the Recall against latency tab: what one setting buys and costs, measured over the loaded vectors."""
