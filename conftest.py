"""Loads the plugin for `pytest scenarios/`; `clasp-e2e run` loads it without this file."""

pytest_plugins = ["clasp_e2e.plugin"]
