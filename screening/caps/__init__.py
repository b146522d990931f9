"""Pure recommendation of offer caps: evidence about one limit in, raise, keep, lower or pause with reasons out."""
