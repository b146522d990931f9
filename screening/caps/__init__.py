"""Pure: evidence to an offer-cap recommendation."""
