"""How long does `amlpipe plan` take for a pipeline of a hundred steps that can all be reused, whole process?

python benchmarks/plan_pipeline.py [--steps 100] [--repeat 5]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import AMLPIPE, Report, environment, whole_process, write_chain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()

    report = Report()
    report.title(f"amlpipe plan of a reused pipeline of {arguments.steps} steps, whole process")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        env = environment(Path(temporary) / "home")
        write_chain(folder, arguments.steps)
        report.row("running it once", whole_process([*AMLPIPE, "run", "chain_dag.py"], env=env, cwd=folder))
        command = [*AMLPIPE, "plan", "--json", "chain_dag.py"]
        planned = json.loads(subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout)
        answers = {step["answer"] for pipeline in planned["pipelines"] for step in pipeline["steps"]}
        if answers != {"reuse"}:
            raise SystemExit(f"the plan should reuse every step, and answers {sorted(answers)}")
        report.row("amlpipe plan", whole_process(command, env=env, cwd=folder, repeat=arguments.repeat), 1.0)
        command = [*AMLPIPE, "run", "chain_dag.py"]
        report.row("amlpipe run, everything reused", whole_process(command, env=env, cwd=folder, repeat=arguments.repeat))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
