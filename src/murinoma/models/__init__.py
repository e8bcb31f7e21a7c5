"""Arrays in, probabilities out: the networks, the folders they live in, and how they are run on a scan."""
