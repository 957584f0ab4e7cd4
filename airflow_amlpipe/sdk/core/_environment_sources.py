"""What do the requirements files and conda environments of a machine say of its packages?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._yaml import parse_yaml
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["export_conda_environment", "requirement_lines"]


def requirement_lines(file: Path) -> list[str]:
    """Return the requirements and options of a pip requirements file.

    :raises UserErrorException: it cannot be read, or refers to other files
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(
            f"pip requirements {shorten(repr(str(file)), 300)} cannot be read ({shorten(str(error))}); check the path"
        ) from error
    lines = []
    for number, raw in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        line = raw.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        if line.split()[0] in {"-r", "-c", "-e", "--requirement", "--constraint", "--editable"}:
            raise UserErrorException(
                f"pip requirements {shorten(repr(str(file)), 300)}, line {number}: {shorten(repr(line))} refers to another file or folder; "
                "write the requirements themselves"
            )
        lines.append(line)
    return lines


def export_conda_environment(name: str) -> Any:
    """Return the specification of a conda environment of this machine.

    :raises UserErrorException: there is no conda here, or it has no such environment
    """
    import shutil
    import subprocess

    program = next((path for path in map(shutil.which, ("conda", "mamba", "micromamba")) if path), None)
    if program is None:
        raise UserErrorException(
            f"Environment.from_existing_conda_environment: neither conda, mamba nor micromamba is on the PATH, so {name!r} "
            "cannot be read; export it where it is (conda env export -n NAME > environment.yml) and use from_conda_specification"
        )
    command = [program, "env", "export", "-n", name, "--no-builds"]
    exported = subprocess.run(command, capture_output=True, text=True, check=False)
    if exported.returncode != 0:
        raise UserErrorException(
            f"Environment.from_existing_conda_environment: conda environment {shorten(repr(name))} cannot be exported: "
            f"{shorten(exported.stderr.strip() or exported.stdout.strip(), 600)}"
        )
    return parse_yaml(exported.stdout, f"conda environment {name!r}")
