"""Which environment variables does a step's script get, and which of the worker's never reach it?

Everything is chosen by name: the worker's environment holds Airflow's configuration, connection strings and cloud credentials, and a
script is somebody else's code. What a script needs beyond this list belongs into its environment's ``variables``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import pathsep

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.names import parameter_variable
from airflow_amlpipe.spec.step import ParameterArgument, StepSpec

__all__ = ["INHERITED", "data_variables", "inherited_variables", "own_variables", "parameter_variables", "prepend"]

INHERITED = frozenset(
    {
        "AMLPIPE_HOME",  # a folder, for scripts that use airflow-amlpipe themselves
        "CUDA_VISIBLE_DEVICES",
        "CURL_CA_BUNDLE",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "NVIDIA_VISIBLE_DEVICES",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TZ",
        "USER",
        *(name for proxy in ("all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy") for name in (proxy, proxy.upper())),
    }
)

# Names that change how the interpreter or the loader starts; an input that is called so is not set under its bare name.
_SENSITIVE = re.compile(r"(?:PYTHON|LD_|DYLD_|AMLPIPE_|AZUREML_|AZURE_ML_|AML_PARAMETER_)")
_MODES = {"direct": "Direct", "download": "Download", "mount": "Mount"}


def inherited_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return those of the worker's variables that a script may see."""
    return {name: value for name, value in environment.items() if name in INHERITED or name.startswith("LC_")}


def parameter_variables(step: StepSpec, parameters: Mapping[str, Scalar]) -> dict[str, str]:
    """Return ``AML_PARAMETER_<name>`` for the step's ``params`` and for every pipeline parameter the step reads, and for no other.

    A parameter that the step does not name is not in its key; showing it would let a script depend on what reuse cannot see.
    """
    return {
        parameter_variable(name): str(parameters[source.parameter] if isinstance(source, ParameterArgument) else source.value)
        for name, source in step.named_values.items()
    }


def data_variables(step: StepSpec, inputs: Mapping[str, str], outputs: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name inputs and outputs.

    SDK v1 sets ``<name>`` itself as well. We do too, unless the name is ``taken`` or would change how programs start (``PATH``, ``LD_*``).
    """
    found: dict[str, str] = {}
    for prefix, values in ((protocol.PREFIX_INPUT, inputs), (protocol.PREFIX_OUTPUT, outputs)):
        for name, value in values.items():
            found[prefix + name] = found[protocol.PREFIX_REFERENCE + name] = value
            if name not in taken and not _SENSITIVE.match(name):
                found[name] = value
    found[protocol.ENV_INPUTS] = ",".join(f"{item.name}:{_MODES[item.mode]}" for item in step.inputs if item.is_dataset)
    found[protocol.ENV_OUTPUTS] = ";".join(outputs)
    return found


def own_variables(variables: Mapping[str, str], where: str) -> dict[str, str]:
    """Return the variables an author gave the environment, if a process can have them.

    :raises DefinitionError: a name that no environment can hold
    """
    for name in variables:
        if not name or "=" in name or "\0" in name:
            raise DefinitionError(
                f"{where}: the environment variable {shorten(repr(name))} cannot be set; a name is not empty and has no '='"
            )
    return dict(variables)


def prepend(folders: tuple[str, ...], path: str | None) -> str:
    """Return the search path ``path`` with ``folders`` in front of it."""
    return pathsep.join((*folders, *([path] if path else ())))
