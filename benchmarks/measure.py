"""How is a benchmark measured, judged and printed?"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AMLPIPE", "Report", "environment", "write_bash_chain", "write_chain", "whole_process"]

REPOSITORY = Path(__file__).resolve().parents[1]
AMLPIPE = [sys.executable, "-c", "import sys; from airflow_amlpipe.cli import main; sys.exit(main())"]

_CHAIN = '''\
"""A chain of {steps} steps. Airflow looks for the words dag and airflow in this file."""
from pathlib import Path

import airflow_amlpipe.azureml
from azureml.core import Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(str(Path(__file__).with_name("config.json")))
steps, earlier = [], None
for number in range({steps}):
    out = OutputFileDatasetConfig(name="out")
    arguments = [number, out] if earlier is None else [number, out, earlier.as_input("earlier")]
    steps.append(PythonScriptStep("touch.py", f"step {{number}}", arguments, "local", source_directory="source"))
    earlier = out
pipeline = Pipeline(ws, steps)
'''
_SCRIPT = "import pathlib, sys\n(pathlib.Path(sys.argv[2]) / 'number.txt').write_text(sys.argv[1])\n"
_ENDINGS = {
    "chain_dag.py": 'dag = pipeline.to_dag("chain")\n',
    "chain_script.py": 'from azureml.core import Experiment\nExperiment(ws, "chain").submit(pipeline).wait_for_completion(show_output=False)\n',
}

_BASH = '''\
"""The same chain without us: the words dag and airflow are for Airflow's search."""
from datetime import datetime
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
with DAG("bash", start_date=datetime(2024, 1, 1), schedule=None):
    earlier = None
    for number in range({steps}):
        task = BashOperator(task_id=f"task_{{number}}", bash_command="true")
        if earlier is not None:
            earlier >> task
        earlier = task
'''


@dataclass
class Report:
    """Rows of what was measured beside what was wanted."""

    missed: list[str] = field(default_factory=list)

    def row(self, what: str, seconds: float, limit: float | None = None, note: str = "") -> None:
        verdict = "" if limit is None else f"limit {limit * 1000:8.1f} ms  {'ok' if seconds <= limit else 'MISSED'}"
        if limit is not None and seconds > limit:
            self.missed.append(what)
        print(f"  {what:<58}{seconds * 1000:9.1f} ms  {verdict}  {note}".rstrip(), flush=True)

    @staticmethod
    def title(text: str) -> None:
        print(f"{text} (Python {sys.version.split()[0]}, {os.cpu_count()} cores)", flush=True)

    @property
    def exit_code(self) -> int:
        return 1 if self.missed else 0


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a process that measures: ours, with a home of its own and no other Airflow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
    return kept | {"AMLPIPE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}


def whole_process(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, repeat: int = 1) -> float:
    """Return the median wall time of a process from its start to its end; one that fails ends the benchmark."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        answer = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - start)
        if answer.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {answer.returncode}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}")
    return statistics.median(seconds)


def write_chain(folder: Path, steps: int) -> None:
    """Write a chain of trivial steps into `folder`, as a DAG file and as a script."""
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "touch.py").write_text(_SCRIPT, encoding="ascii")
    (folder / ".airflowignore").write_text("source/\nchain_script.py\n", encoding="ascii")
    (folder / "config.json").write_text('{"subscription_id": "b", "resource_group": "b", "workspace_name": "b"}', encoding="ascii")
    for name, ending in _ENDINGS.items():
        (folder / name).write_text(_CHAIN.format(steps=steps) + ending, encoding="ascii")


def write_bash_chain(folder: Path, steps: int) -> None:
    """Write the same chain without us, of BashOperators, as the DAG `bash` into `folder`."""
    (folder / "bash.py").write_text(_BASH.format(steps=steps), encoding="ascii")
