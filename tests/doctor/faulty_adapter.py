"""The reference adapter, wrong in the way its argument names. Takes a second to start."""

from __future__ import annotations

import os
import sys

from clasp_e2e.drivers.adapters import reference
from clasp_e2e.drivers.adapters.reference import INTERNAL_ERROR, Adapter, CallError, Object
from clasp_e2e.peer import PeerError

FAULT = sys.argv[1]
del sys.argv[1:]  # The reference adapter has options of its own.


class Faulty(Adapter):
    """What goes wrong between the protocol and the implementation."""

    async def _initialize(self, params: Object) -> Object:
        return {**await super()._initialize(params), "roles": ["peer"], "capabilities": []}

    async def _open_peer(self, params: Object) -> Object:
        if FAULT == "wants_each_key":
            params["p2p"]["max_retries"]
        try:
            return await super()._open_peer(params)
        except PeerError as error:
            if FAULT == "answers_all_the_same":
                return {"session_id": "made-up"}
            if FAULT == "dies_of_refusal":
                sys.stderr.flush()
                os._exit(5)
            raise CallError(INTERNAL_ERROR, str(error)) from error


reference.Adapter = Faulty  # type: ignore[misc]
reference.main()
