"""The engine of a run: planning, scheduling, running, resolving and recording cases."""
