"""Letters and digests."""
