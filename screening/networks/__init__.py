"""One adapter per affiliate network."""
