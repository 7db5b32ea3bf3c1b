"""In-process CLASP router: pure routing inside a thin WebSocket shell."""

from __future__ import annotations

from clasp_e2e.router.codes import ErrorCode
from clasp_e2e.router.core import RouterCore
from clasp_e2e.router.effects import Close, Deliver, Effect, Script, Why
from clasp_e2e.router.listener import RouterError
from clasp_e2e.router.server import RouterServer

__all__ = [
    "Close",
    "Deliver",
    "Effect",
    "ErrorCode",
    "RouterCore",
    "RouterError",
    "RouterServer",
    "Script",
    "Why",
]
