"""The guarded crawl of what applicants declare."""
