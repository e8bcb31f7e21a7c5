"""The coarse network, when it has learned, over scans that the fine one learns from."""

import threading
from functools import lru_cache
from pathlib import Path

from murinoma.models.backends import Backend, open_network
from murinoma.models.grids import Floats
from murinoma.models.runtime import suspicion
from murinoma.models.scan import Scan
from murinoma.models.tiles import Network

_ONE_AT_A_TIME = threading.Lock()  # a network is no thing for two threads


def suspected(coarse: Path, scan: Scan, *, threads: int = 0) -> Floats:
    """Return what the coarse network in an ONNX file makes of a scan, (z, y, x) in `scan.box`, in 0..1.

    `threads` of the CPU are used; 0 for as many as there are cores.

    Raises
    ------
    FileError
        If the file is none of our networks.
    """
    with _ONE_AT_A_TIME:
        return suspicion(_opened(coarse, coarse.stat().st_mtime_ns, threads), scan)


@lru_cache(maxsize=1)
def _opened(coarse: Path, written: int, threads: int) -> Network:
    """Return a network, opened once; when its file was written tells it from an older one."""
    return open_network(coarse, Backend(device="cpu", threads=threads))
