"""What does one step cost under `dag.test()`, run or reused, beside a bare BashOperator?

Three chains of the same length in one process, on one private Airflow home: BashOperators that run `true`, steps that run an empty script, and
the same steps reused. Rounds are interleaved, and the median of each chain counts; the first round warms up and is thrown away.

    python benchmarks/step_overhead.py [--steps 20] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LIMIT_RUN_SECONDS = 0.060
LIMIT_REUSED_SECONDS = 0.025
RUN = {"amlpipe": {"reuse": "refresh"}}
REUSED = {"amlpipe": {"reuse": "require"}}

PIPELINE = '''\
"""Chains for the benchmark. Airflow looks for the words dag and airflow in this file."""
from datetime import datetime
from pathlib import Path

import airflow_amlpipe.azureml
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from azureml.core import Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, StepSequence
from azureml.pipeline.steps import PythonScriptStep

with DAG("bash", start_date=datetime(2024, 1, 1), schedule=None) as bash:
    earlier = None
    for number in range({steps}):
        task = BashOperator(task_id=f"task_{{number}}", bash_command="true")
        if earlier is not None:
            earlier >> task
        earlier = task

ws = Workspace.from_config(str(Path(__file__).with_name("config.json")))
steps = [
    PythonScriptStep(
        "empty.py",
        name=f"step {{number}}",
        arguments=[number, OutputFileDatasetConfig(name="out")],
        compute_target="local",
        source_directory="source",
    )
    for number in range({steps})
]
steps_dag = Pipeline(ws, StepSequence(steps=steps)).to_dag("steps")
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="length of each chain")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        run = prepare(Path(folder), arguments.steps)
        chains: dict[str, Callable[[], float]] = {
            "bash": lambda: run("bash", {}),
            "run": lambda: run("steps", RUN),
            "reused": lambda: run("steps", REUSED),
        }
        seconds: dict[str, list[float]] = {name: [] for name in chains}
        for number in range(arguments.rounds + 1):
            for name, measure in chains.items():
                taken = measure()
                if number:
                    seconds[name].append(taken)

    for name, values in seconds.items():
        print(f"  {name:<8} every round, ms a task: {' '.join(f'{value / arguments.steps * 1000:.1f}' for value in values)}")
    each = {name: statistics.median(values) / arguments.steps for name, values in seconds.items()}
    print(
        f"{arguments.steps} tasks in a chain, median of {arguments.rounds} rounds, Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    )
    print(f"  BashOperator   {each['bash'] * 1000:7.1f} ms a task")
    missed = 0
    for name, limit in (("run", LIMIT_RUN_SECONDS), ("reused", LIMIT_REUSED_SECONDS)):
        overhead = each[name] - each["bash"]
        verdict = "ok" if overhead <= limit else "MISSED"
        missed += verdict != "ok"
        print(
            f"  step {name:<10}{each[name] * 1000:7.1f} ms a task: {overhead * 1000:+6.1f} ms over the bare one, "
            f"limit {limit * 1000:.0f} ms (ratio to it {overhead / limit:.2f}) {verdict}"
        )
    return 1 if missed else 0


def prepare(folder: Path, steps: int) -> Callable[[str, dict[str, object]], float]:
    """Return what runs a DAG once and says how many seconds that took."""
    dags = folder / "dags"
    (dags / "source").mkdir(parents=True)
    (dags / ".airflowignore").write_text("source/\n", encoding="ascii")
    (dags / "source" / "empty.py").write_text("", encoding="ascii")
    (dags / "chains.py").write_text(PIPELINE.format(steps=steps), encoding="ascii")
    (dags / "config.json").write_text('{"subscription_id": "b", "resource_group": "b", "workspace_name": "b"}', encoding="ascii")
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AMLPIPE_HOME": str(folder / "home"),
    }
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.utils.db import initdb

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(dags)
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    sync_bag_to_db(bag, "dags-folder", None)

    def run(dag_id: str, conf: dict[str, object]) -> float:
        start = time.perf_counter()
        result = bag.dags[dag_id].test(run_conf=conf)
        seconds = time.perf_counter() - start
        if result.state != "success":
            raise SystemExit(f"{dag_id} ended as {result.state}")
        if dag_id == "steps":
            check_what_happened(folder / "home", steps, wanted_reuse=conf == REUSED)
        return seconds

    return run


def check_what_happened(home: Path, steps: int, *, wanted_reuse: bool) -> None:
    """End the benchmark unless every step of the newest run did what its chain is there to measure."""
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

    runs = WorkspaceStore.open(str(home / "workspaces" / "b"), home=home).runs
    tries = [tries[-1].finished for tries in runs.steps(runs.ids()[0]).values()]
    did = [item is not None and item.status == "Finished" and item.reused == wanted_reuse for item in tries]
    if len(did) != steps or not all(did):
        raise SystemExit(
            f"of {steps} steps that should have {'been reused' if wanted_reuse else 'run'}, {sum(did)} did ({len(did)} recorded)"
        )


if __name__ == "__main__":
    sys.exit(main())
