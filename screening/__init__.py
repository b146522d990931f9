"""The winnow application: everything that touches files, databases, the network, the clock or a person."""
