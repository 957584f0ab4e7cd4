"""What makes two steps the same?

The key of a step is the SHA-256 over its key manifest: one named component each, the component's own digest beside a readable form.
The components, in order:

=============== ====================================================================================================
``code``        digest of the source snapshot: every kept file's path, executable bit and content, links, empty folders
``command``     the script's name, the line for the shell, or what is copied
``arguments``   each argument after parameter binding, typed; an input or output as its place-holder, never as a path;
                a volatile one as a place-holder too: that there is one, and where, counts, its value does not
``parameters``  every value that the script is given by name (``AML_PARAMETER_<name>``): ``params``, and pipeline parameters it reads;
                of a volatile one the name
``inputs``      each input's name, mode and identity of its data; of a dataset that the script reads itself, how it is read too
``outputs``     each output's name, mode, datastore, unresolved destination template, globs; whether it is made for the script
``environment`` the environment's definition and variables
``run_settings`` node count, processes per node, communicator, TensorFlow's counts where they are set; each as it is in the run
``version``     the step's ``version`` text
=============== ====================================================================================================

Not in the key: names of step, pipeline and experiment, ids, times, host, user, tags, credentials, the compute's name, retries, time-outs.
Changing what stands here means a ``v2``, new golden vectors and a decision record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_amlpipe.exceptions import ProtocolError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, digest
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.step import Argument, InputArgument, LiteralArgument, OutputArgument, ParameterArgument, StepSpec, TextArgument

__all__ = ["COMPONENTS", "KEY_FORMAT", "Component", "KeyManifest", "step_key"]

KEY_FORMAT = "amlpipe/key/v1"
COMPONENTS = ("code", "command", "arguments", "parameters", "inputs", "outputs", "environment", "run_settings", "version")

# Left out where nobody set them, so that the keys of steps from before there were any stay what they are.
_LATER_COUNTS = ("worker_count", "parameter_server_count")
_CREDENTIALS = re.compile(r"://[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a key: its digest, and what was digested in a form people can read."""

    digest: str
    readable: Json


@dataclass(frozen=True, slots=True)
class KeyManifest:
    """What a key was made of; ``explain`` compares two of these."""

    components: Mapping[str, Component]

    @property
    def key(self) -> str:
        """64 hex characters: SHA-256 over the components' digests, with the format as domain tag."""
        return digest(KEY_FORMAT, {name: component.digest for name, component in self.components.items()})

    def to_json(self) -> dict[str, Json]:
        """Return the document that records and reports keep."""
        return {
            "format": KEY_FORMAT,
            "key": self.key,
            "components": {name: {"digest": part.digest, "readable": part.readable} for name, part in self.components.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> KeyManifest:
        """Read what :meth:`to_json` wrote.

        :raises ProtocolError: another version wrote it, or its key does not fit its components
        """
        if document.get("format") != KEY_FORMAT:
            raise ProtocolError(f"a key manifest has the format {shorten(repr(document.get('format')))}; this version reads {KEY_FORMAT!r}")
        try:
            parts: dict[str, dict[str, Json]] = document["components"]  # type: ignore[assignment]
            manifest = cls({name: Component(str(part["digest"]), part["readable"]) for name, part in parts.items()})
        except (KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(f"a key manifest is incomplete: {shorten(repr(error))}") from error
        if manifest.key != document.get("key"):
            raise ProtocolError("a key manifest does not have the key that it claims; it was altered or cut")
        return manifest


def step_key(
    step: StepSpec,
    *,
    snapshot: str,
    parameters: Mapping[str, Scalar],
    inputs: Mapping[str, str],
    definitions: Mapping[str, Json] | None = None,
) -> KeyManifest:
    """Return the key manifest of ``step`` in a run.

    :param snapshot: digest of the source snapshot
    :param parameters: value of every parameter the step reads
    :param inputs: identity of each input's data, by the input's name
    :param definitions: of the inputs that the script is given as datasets, what they are beside their files
    """
    told = {name: {"definition": definition} for name, definition in (definitions or {}).items() if definition is not None}
    readable: dict[str, Json] = {
        "code": snapshot,
        "command": step.command.model_dump(mode="json"),
        "arguments": [_argument(argument, parameters) for argument in step.arguments],
        "parameters": {name: _bound(value, parameters) for name, value in step.named_values.items()},
        "inputs": {
            item.name: {"mode": item.mode, "data": inputs[item.name], "path_on_compute": item.path_on_compute, **told.get(item.name, {})}
            for item in step.inputs
        },
        "outputs": {
            output.name: {
                "mode": output.mode,
                "datastore": output.datastore,
                "destination": output.destination,
                "source": output.source,
                "overwrite": output.overwrite,
                "globs": list(output.globs),
                **({} if output.is_made else {"is_made": False}),
            }
            for output in step.outputs
        },
        "environment": _environment(step),
        "run_settings": {
            "node_count": step.run_settings.node_count,
            "processes_per_node": step.run_settings.processes_per_node,
            "communicator": step.run_settings.communicator,
            **{name: count for name in _LATER_COUNTS if (count := getattr(step.run_settings, name)) is not None},
        },
        "version": step.version,
    }
    return KeyManifest({name: Component(digest(name, readable[name]), readable[name]) for name in COMPONENTS})


def _argument(argument: Argument, parameters: Mapping[str, Scalar]) -> Json:
    if isinstance(argument, TextArgument):
        return {"text": [_argument(part, parameters) for part in argument.parts]}
    if isinstance(argument, InputArgument):
        return {"input": argument.input}
    if isinstance(argument, OutputArgument):
        return {"output": argument.output}
    return _bound(argument, parameters)


def _bound(value: LiteralArgument | ParameterArgument, parameters: Mapping[str, Scalar]) -> Json:
    if value.volatile:
        return {"volatile": True}
    return {"value": parameters[value.parameter] if isinstance(value, ParameterArgument) else value.value}


def _environment(step: StepSpec) -> Json:
    environment = step.environment.model_dump(mode="json")
    # Credentials open an index; they do not change what is installed, and records must not hold them.
    for lines in ("pip_options", "pip_requirements"):
        environment[lines] = [_CREDENTIALS.sub("://", line) for line in environment[lines]]
    # Names and versions of an environment are labels; what is installed is what counts.
    return {name: value for name, value in environment.items() if name not in {"name", "version"}}
