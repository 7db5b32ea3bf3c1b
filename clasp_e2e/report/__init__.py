"""Reports: what a run model looks like to people."""
