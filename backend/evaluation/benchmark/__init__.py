"""The unlearning benchmark: a protocol, shards that can be lost and made again, and a report."""
