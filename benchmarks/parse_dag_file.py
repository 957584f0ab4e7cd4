"""How long does Airflow take to parse and serialise a DAG file of a thousand steps, beside the same graph of BashOperators?

python benchmarks/parse_dag_file.py [--steps 1000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measure import Report, write_bash_chain, write_chain

MOST_TIMES_AS_LONG = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()

    report = Report()
    report.title(f"a DAG file of {arguments.steps} steps")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ |= {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "ours"),
            "AMLPIPE_HOME": str(folder / "home"),
        }
        write_chain(folder / "ours", arguments.steps)
        (folder / "bare").mkdir()
        write_bash_chain(folder / "bare", arguments.steps)

        from airflow.dag_processing.dagbag import DagBag
        from airflow.serialization.serialized_objects import DagSerialization

        def parse_and_serialise(dags: Path, dag_id: str) -> tuple[float, float]:
            start = time.perf_counter()
            bag = DagBag(dags)
            parsed = time.perf_counter()
            if bag.import_errors:
                raise SystemExit("\n".join(bag.import_errors.values()))
            DagSerialization.to_dict(bag.dags[dag_id])
            return parsed - start, time.perf_counter() - parsed

        rounds = []
        for number in range(arguments.repeat + 1):
            both = (parse_and_serialise(folder / "bare", "bash"), parse_and_serialise(folder / "ours", "chain"))
            if number:
                rounds.append(both)
    bare = [statistics.median(round_[0][part] for round_ in rounds) for part in (0, 1)]
    ours = [statistics.median(round_[1][part] for round_ in rounds) for part in (0, 1)]
    report.row("BashOperators: parse", bare[0])
    report.row("BashOperators: serialise", bare[1])
    report.row("steps: parse", ours[0])
    report.row("steps: serialise", ours[1])
    report.row("steps: both", sum(ours), MOST_TIMES_AS_LONG * sum(bare), f"{sum(ours) / sum(bare):.2f} times as long")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
