"""Applicants: intake, crawl, page evidence, signals, scorecard."""
