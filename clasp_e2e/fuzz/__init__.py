"""Fuzzing of routers and peers with mutated and random frames and signals, for the command `fuzz`."""
