"""The run model: outcomes, verdict rules, timeline, evidence and `results.json`."""
