"""What does the engine process do? (the child that ``submit.py`` starts: ``python -m airflow_amlpipe.services.engine``)

It begins to import Airflow at once, and waits for the word on its standard input that its run is recorded.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_amlpipe.services.engine_process import GO
from airflow_amlpipe.services.engine_run import EngineRun
from airflow_amlpipe.services.handed_logins import unpack_logins

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one run and return the exit code. If standard input ends without a word, no step is run."""
    parser = argparse.ArgumentParser(prog="python -m airflow_amlpipe.services.engine", description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--home", required=True, type=Path)
    given = parser.parse_args(arguments)
    run = EngineRun(given.run, given.workspace, given.home)
    failure = run.prepare()
    if sys.stdin.buffer.readline() != GO:
        run.abandon()
        return 0
    unpack_logins(given.workspace, sys.stdin.buffer.read())
    return run.carry_out(failure)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to do, and taking down an interpreter with Airflow in it takes half a second.
    os._exit(code)
