"""The pytest plugin: `pytest -p clasp_e2e.plugin`, or `pytest_plugins = ["clasp_e2e.plugin"]`.

The hooks are in a separate module, which pytest imports. Importing this package must not import
`pytest_asyncio`, because pytest must first rewrite its assertions. This module has no assertions
(PYTEST_DONT_REWRITE).
"""

pytest_plugins = ["clasp_e2e.plugin.hooks"]
