"""Reports of a run for people and CI systems."""
