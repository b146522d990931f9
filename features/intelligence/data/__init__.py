"""Facts that winnow carries as tables: each row with its source and date."""
