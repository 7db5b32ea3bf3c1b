"""The one engine: plans a run, schedules its cases, runs, resolves and records them."""
