"""How are the cells of a step's notebook run? Started as a script by the step's interpreter, which needs papermill and ipykernel for it."""

from __future__ import annotations

import json
import os
import shutil
import sys

__all__ = ["JOB_FILE", "run_notebook"]

JOB_FILE = "notebook.json"
OUTPUTS = "outputs"


def run_notebook(run_folder: str) -> int:
    """Run the notebook that ``run_folder`` names and keep its executed copy, also of one that failed; return the exit code."""
    with open(os.path.join(run_folder, JOB_FILE), encoding="utf-8") as file:
        job = json.load(file)
    try:
        import ipykernel  # noqa: F401  # without it there is no kernel to run the cells in
        import papermill
    except ImportError as error:
        sys.stderr.write(
            "the notebook %r cannot be run: %s. Add the requirements 'papermill' and 'ipykernel' to the step's environment "
            "(environment.python.conda_dependencies.add_pip_package)\n" % (job["notebook"], error)
        )
        return 1
    output = os.path.join(OUTPUTS, job["output_notebook"])
    os.makedirs(os.path.dirname(output), exist_ok=True)
    try:
        papermill.execute_notebook(
            job["notebook"],
            output,
            parameters=job["parameters"],
            kernel_name="python3",  # the step's own interpreter, whatever the notebook was written with
            log_output=True,
            progress_bar=False,
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
        )
    except papermill.PapermillExecutionError as error:
        sys.stderr.write("%s\n" % error)
        return 1
    finally:
        if job["copy_to"] and os.path.exists(output):
            os.makedirs(job["copy_to"], exist_ok=True)
            shutil.copyfile(output, os.path.join(job["copy_to"], os.path.basename(output)))
    return 0


if __name__ == "__main__":
    # This file's own folder holds modules that no notebook should find by their bare names.
    sys.path[0] = os.getcwd()
    sys.exit(run_notebook(os.environ["AMLPIPE_RUN_FOLDER"]))
