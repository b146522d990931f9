"""From the bytes of a page to its facts, in processes that can be killed."""
