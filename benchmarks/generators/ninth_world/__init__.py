"""The world of the ninth simulated programme: people, market, honest traffic, schemes of fraud, later outcomes."""
