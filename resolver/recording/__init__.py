"""Recording: what real or simulated servers say about some names becomes a world that says the same."""
