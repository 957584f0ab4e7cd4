"""How do several processes of one step run side by side on one machine? Started as a script by the step's interpreter, with how many there are and their command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List

__all__ = ["run_side_by_side"]

_PAUSE_SECONDS = 0.05
_GRACE_SECONDS = 5.0


def run_side_by_side(count: int, per_node: int, command: List[str]) -> int:
    """Run ``count`` processes of ``command``, each told its place as PyTorch's own launcher tells it, and return the first bad exit code.

    When one fails, the others are ended: they would wait for it.
    """
    shared = {
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(per_node),
        "MASTER_ADDR": os.environ.get("MASTER_ADDR", "127.0.0.1"),
        "MASTER_PORT": os.environ.get("MASTER_PORT") or _free_port(),
    }
    running = [subprocess.Popen(command, env={**os.environ, **shared, **_place(rank, per_node)}) for rank in range(count)]
    code = 0
    while running and not code:
        ended = [process for process in running if process.poll() is not None]
        running = [process for process in running if process not in ended]
        code = next((process.returncode for process in ended if process.returncode), 0)
        if not ended:
            time.sleep(_PAUSE_SECONDS)
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    for process in running:
        process.kill()
        process.wait()
    return 128 - code if code < 0 else code


def _place(rank: int, per_node: int) -> Dict[str, str]:
    return {"RANK": str(rank), "LOCAL_RANK": str(rank % per_node), "NODE_RANK": str(rank // per_node)}


def _free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


if __name__ == "__main__":
    sys.exit(run_side_by_side(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
