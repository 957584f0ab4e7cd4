"""What data goes into a step, and what comes out of it?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.spec.template import DEFAULT_DESTINATION, is_unique_destination

__all__ = [
    "DatasetSource",
    "DatastorePath",
    "InputMode",
    "InputSource",
    "InputSpec",
    "OutputMode",
    "OutputSpec",
    "ParameterSource",
    "RegistrationSpec",
    "StepOutputSource",
]

InputMode = Literal["direct", "download", "mount"]
OutputMode = Literal["link", "mount", "upload"]


class DatastorePath(SpecModel):
    """A file, a folder or a glob (``*`` within a folder, ``**`` across folders) below the root of a datastore."""

    datastore: str
    path: str = ""


class DatasetSource(SpecModel):
    """Files named by their paths; ``name`` and ``version`` say which registered dataset they were, if any.

    ``version`` ``None`` with a ``name`` is the latest at each run; it has its paths and its definition from its record.

    :ivar definition: what the dataset is beside its paths; ``None``: the files
    :ivar is_place: it is a place on a datastore rather than a dataset, a DataReference or a DataPath: nothing has to lie there
    """

    kind: Literal["dataset"] = "dataset"
    paths: tuple[DatastorePath, ...] = ()
    name: str | None = None
    version: int | None = None
    definition: DatasetDefinition | None = added_later(None)
    is_place: bool = added_later(False)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the pipeline parameters that say values of its query."""
        return () if self.definition is None or self.definition.sql is None else self.definition.sql.pipeline_parameters


class StepOutputSource(SpecModel):
    """What an earlier step of the same pipeline wrote.

    :ivar definition: as what it is read; ``None``: the files
    :ivar is_link: it is the dataset that the step's script linked it to, which has a definition of its own
    """

    kind: Literal["step_output"] = "step_output"
    step: str
    output: str
    definition: DatasetDefinition | None = added_later(None)
    is_link: bool = added_later(False)


class ParameterSource(SpecModel):
    """The data that a pipeline parameter names in the run.

    :ivar holds: what it has to name, a type of ``ParameterSpec``
    """

    kind: Literal["parameter"] = "parameter"
    parameter: str
    holds: Literal["data_path", "dataset", "file_dataset", "tabular_dataset"]


InputSource = Annotated[DatasetSource | StepOutputSource | ParameterSource, Field(discriminator="kind")]


class InputSpec(SpecModel):
    """One input of a step: its name inside the script, how it is handed over, and where it comes from.

    :ivar is_dataset: whether the script finds it in ``run.input_datasets`` too; not so the place that a DataPath names in a run
    """

    name: str
    mode: InputMode
    source: InputSource
    path_on_compute: str | None = None
    is_dataset: bool = added_later(True)


class RegistrationSpec(SpecModel):
    """Under which name, and as what, an output is registered as a dataset when its step has ended well."""

    name: str
    description: str | None = None
    tags: dict[str, str] = {}
    definition: DatasetDefinition | None = added_later(None)


class OutputSpec(SpecModel):
    """One output of a step.

    ``destination`` is the unresolved template below the datastore's root (``{run-id}``, ``{output-name}``); ``None`` is the place we choose.
    ``source`` is the path on the compute that the script writes to; ``None`` is a private folder.

    :ivar is_made: whether the folder is there when the script begins; if not, the script makes one, or writes a file in its place
    :ivar pipeline_output: what the output is called among those of the whole pipeline
    :ivar links: to which kind of dataset the script links it, in mode ``link``
    :ivar shares_place: whether another output of the pipeline is put at its destination, or into it, or it into that one's
    """

    name: str
    mode: OutputMode = "mount"
    datastore: str
    destination: str | None = None
    source: str | None = None
    overwrite: bool = False
    globs: tuple[str, ...] = ()
    register_as: RegistrationSpec | None = None
    is_made: bool = added_later(True)
    pipeline_output: str | None = added_later(None)
    links: Literal["file", "tabular"] | None = added_later(None)
    shares_place: bool = added_later(False)

    @property
    def is_published(self) -> bool:
        """Whether what is kept is also put at the destination; where every try has one of its own, it is kept there."""
        return self.shares_place or not is_unique_destination(self.destination)

    @property
    def kept_at(self) -> str:
        """The template of the place that a try has for itself."""
        return DEFAULT_DESTINATION if self.is_published or self.destination is None else self.destination
