"""What is kept of a crawl so that a person, or a later run, can see what was seen."""
