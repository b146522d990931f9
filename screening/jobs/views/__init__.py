"""What each page of the console shows, gathered and added up: the console only renders it."""
