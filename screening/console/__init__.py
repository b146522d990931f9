"""Web pages and the HTTP API."""
