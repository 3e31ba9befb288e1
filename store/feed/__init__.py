"""The operators' feed: how far each chain of events was sent to each receiver."""
