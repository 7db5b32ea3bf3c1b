"""In-process CLASP router: routing logic without I/O, in a thin WebSocket shell."""

from clasp_e2e.router.codes import ErrorCode as ErrorCode
from clasp_e2e.router.core import RouterCore as RouterCore
from clasp_e2e.router.effects import CloseConnection as CloseConnection, Deliver as Deliver, Effect as Effect
from clasp_e2e.router.effects import Script as Script, DeliveryRule as DeliveryRule
from clasp_e2e.router.listener import RouterError as RouterError
from clasp_e2e.router.server import RouterServer as RouterServer
