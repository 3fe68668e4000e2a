"""The Recall against latency tab: the ef slider, the curve and the labs."""
