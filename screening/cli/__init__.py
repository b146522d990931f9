"""The winnow command, one module per verb."""
