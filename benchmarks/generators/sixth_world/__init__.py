"""Parts of the sixth simulated programme: a mobile performance network as a stochastic point process."""
