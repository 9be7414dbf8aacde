"""A server of llama.cpp's: a GGUF model on this machine's CPUs, by `xllamacpp`, until the process is ended.

    python -m pipeline.llamacpp_server FILE NAME PORT CONTEXT SLOTS SEED

Each slot has the whole context. Samplers that a request does not name are off, as the other engines have them, and
nothing is shifted out of a context that is full: the answer ends there, and says so.
"""

import os
import signal
import sys
from typing import NamedTuple

import xllamacpp

_PROMPT_CACHE_MIB = 256
_WARNINGS = 2


class Serving(NamedTuple):
    """Port, or 0 for any; tokens of the context of each slot; requests that are worked on at a time; seed."""

    port: int
    context: int
    slots: int
    seed: int


def main() -> None:
    """Serve as the command line says."""
    path, name, *numbers = sys.argv[1:]
    server = xllamacpp.Server(parameters(path, name, Serving(*map(int, numbers))))
    print(f"listening at {server.listening_address}", flush=True)  # noqa: T201 - into the log
    signal.pause()


def parameters(path: str, name: str, how: Serving) -> xllamacpp.CommonParams:
    """What llama.cpp is told."""
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {name}
    params.port = how.port
    params.hostnames = ["127.0.0.1"]
    params.n_ctx = how.context * how.slots
    params.n_parallel = how.slots
    params.kv_unified = False
    params.ctx_shift = False
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.cors_origins = "http://127.0.0.1"  # no page in a browser asks it
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = max(1, len(os.sched_getaffinity(0)) - 1)  # others work here, too
        threads.poll = 0  # waiting threads sleep: beside others' work, ones that spin cost it all of its speed
    params.verbosity = _WARNINGS
    params.sampling.seed = how.seed
    params.sampling.top_k = 0
    params.sampling.min_p = 0.0
    return params


if __name__ == "__main__":
    main()
