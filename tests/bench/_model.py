"""The demo's scripted stand-in for a model in a process of its own: `python -m tests.bench._model PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette

from cds_service.simulator.scripted_model import ScriptedModel

if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=ScriptedModel().routes()),
        port=int(sys.argv[1]),
        lifespan="off",
        access_log=False,
        log_level="error",
    )
