"""How long does a script wait for `import airflow_amlpipe.sdk`, and does that start Airflow?

python benchmarks/import_sdk.py [--repeat 7]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import Report, environment, whole_process

USUAL_IMPORTS = """
import airflow_amlpipe.azureml
from azureml.core import Dataset, Datastore, Environment, Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep
import sys
sys.exit("airflow" in sys.modules)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()

    report = Report()
    report.title("imports, whole process")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        env = environment(folder / "home")
        for what, code, limit in (
            ("python -c pass", "pass", None),
            ("import airflow_amlpipe.sdk", "import airflow_amlpipe.sdk", 0.5),
            ("every import of the usual script", USUAL_IMPORTS, 0.5),
            ("for comparison: import airflow", "import airflow", None),
        ):
            report.row(what, whole_process([sys.executable, "-c", code], env=env, cwd=folder, repeat=arguments.repeat), limit)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
