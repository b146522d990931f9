"""A programme to practise on: affiliates, traffic and labelled, simulated fraud."""
