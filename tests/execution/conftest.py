from __future__ import annotations

from testbed.conftest import watched

__all__ = ["watched"]
