"""Signals: pure functions from what a crawl saw, and what an applicant said, to findings."""
