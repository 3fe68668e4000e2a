"""The shard lab: the number of shards."""
