"""How long does a script take that submits a chain of ten trivial steps, first and unchanged, from start to end of its process?

python benchmarks/submit_chain.py [--steps 10] [--repeat 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import AMLPIPE, Report, environment, whole_process, write_chain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()

    report = Report()
    report.title(f"a script that submits a chain of {arguments.steps} steps, whole process")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        env = environment(Path(temporary) / "home")
        command = [*AMLPIPE, "run", "chain_script.py"]
        write_chain(folder, arguments.steps)
        report.row("very first run on this machine (makes the database's template)", whole_process(command, env=env, cwd=folder))
        script = folder / "source" / "touch.py"
        first = []
        for number in range(arguments.repeat):
            script.write_text(script.read_text(encoding="ascii") + f"# {number}\n", encoding="ascii")
            first.append(whole_process(command, env=env, cwd=folder))
        report.row("first run of a pipeline", sorted(first)[len(first) // 2], 6.0)
        report.row("unchanged second run", whole_process(command, env=env, cwd=folder, repeat=arguments.repeat), 0.7)
        bare = whole_process([sys.executable, "-c", "import airflow_amlpipe.sdk"], env=env, cwd=folder, repeat=arguments.repeat)
        report.row("for comparison: import airflow_amlpipe.sdk alone", bare)
        for program in ("pass", "import airflow"):
            alone = whole_process([sys.executable, "-c", program], env=env, cwd=folder, repeat=arguments.repeat)
            report.row(f"for comparison: python -c '{program}'", alone)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
