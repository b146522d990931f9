"""A pass with a real browser, for escalated cases: what a page does to a visitor who clicks nothing."""
