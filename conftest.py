"""Names the plugin, so that `pytest scenarios/` judges; an installed harness names it in `clasp-e2e run`."""

pytest_plugins = ["clasp_e2e.plugin"]
