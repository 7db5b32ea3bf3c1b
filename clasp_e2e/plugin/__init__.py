"""The pytest plugin: `pytest -p clasp_e2e.plugin`, or `pytest_plugins = ["clasp_e2e.plugin"]`.

The hooks are in a module of their own, which pytest imports: whoever imports this package before
pytest runs must not import `pytest_asyncio` with it, whose assertions pytest wants to rewrite.
This module has no assertions (PYTEST_DONT_REWRITE).
"""

pytest_plugins = ["clasp_e2e.plugin.hooks"]
