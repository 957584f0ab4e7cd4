"""How are the ports, values and sources of a node described? As plain facts, of a graph that is shown and of a module that is published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.data_reference import DataReference

__all__ = ["DataSource", "DataSourceDef", "DataType", "InputPortDef", "ModuleDef", "OutputPortDef", "ParamDef"]

_NO_TYPES = "files have no registered types here; what a script writes says what it is"


class InputPortDef:
    """An input of a module."""

    def __init__(
        self,
        name: str,
        data_types: list[str] | None = None,
        default_datastore_mode: str | None = None,
        default_path_on_compute: str | None = None,
        is_optional: bool = False,
        default_overwrite: bool | None = None,
        default_data_reference_name: str | None = None,
        is_resource: bool = False,
        label: str | None = None,
        additional_transformations: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UserErrorException(f"InputPortDef: arguments {shorten(', '.join(sorted(kwargs)))} are not known; check their spelling")
        self.name = check_binding_name("InputPortDef", name)
        self.data_types = list(data_types or ["AnyFile", "AnyDirectory"])
        self.default_datastore_mode = default_datastore_mode
        self.default_path_on_compute = default_path_on_compute
        self.is_optional = is_optional
        self.default_overwrite = default_overwrite
        self.default_data_reference_name = default_data_reference_name
        self.is_resource = is_resource
        self.label = label
        self.additional_transformations = additional_transformations

    def __repr__(self) -> str:
        return f"InputPortDef({self.name!r})"


class OutputPortDef:
    """An output of a module."""

    def __init__(
        self,
        name: str,
        default_datastore_name: str | None = None,
        default_datastore_mode: str | None = None,
        default_path_on_compute: str | None = None,
        is_directory: bool = False,
        data_type: str | None = None,
        default_overwrite: bool | None = None,
        training_output: Any = None,
        label: str | None = None,
    ) -> None:
        self.name = check_binding_name("OutputPortDef", name)
        self.default_datastore_name = default_datastore_name
        self.default_datastore_mode = default_datastore_mode
        self.default_path_on_compute = default_path_on_compute
        self.is_directory = is_directory
        self.data_type = data_type or ("AnyDirectory" if is_directory else "AnyFile")
        self.default_overwrite = default_overwrite
        self.training_output = training_output
        self.label = label

    def __repr__(self) -> str:
        return f"OutputPortDef({self.name!r})"


class ParamDef:
    """A value that a module takes."""

    def __init__(
        self,
        name: str,
        default_value: Any = None,
        is_metadata_param: bool = False,
        is_optional: bool = False,
        set_env_var: bool = False,
        calculate_hash: bool = True,
        env_var_override: str | None = None,
    ) -> None:
        self.name = name
        self.default_value = default_value
        self.is_metadata_param = is_metadata_param
        self.is_optional = is_optional
        self.set_env_var = set_env_var
        self.calculate_hash = calculate_hash
        self.env_var_override = env_var_override

    def __repr__(self) -> str:
        return f"ParamDef({self.name!r}, {self.default_value!r})"


class DataSourceDef:
    """Where data that no step writes comes from."""

    def __init__(
        self,
        name: str,
        description: str | None = None,
        data_type_id: str | None = None,
        datastore_name: str | None = None,
        path_on_datastore: str | None = None,
        sql_table: str | None = None,
        sql_query: str | None = None,
        sql_stored_procedure: str | None = None,
        sql_stored_procedure_params: Any = None,
        pipeline_dataset: Any = None,
    ) -> None:
        self.name = name
        self.description = description
        self.data_type_id = data_type_id
        self.datastore_name = datastore_name
        self.path_on_datastore = path_on_datastore
        self.sql_table = sql_table
        self.sql_query = sql_query
        self.sql_stored_procedure = sql_stored_procedure
        self.sql_stored_procedure_params = sql_stored_procedure_params
        self.pipeline_dataset = pipeline_dataset

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataSourceDef:
        """Return the place that a DataReference names."""
        return DataSourceDef(
            data_reference.data_reference_name,
            datastore_name=data_reference.datastore.name,
            path_on_datastore=data_reference.path_on_datastore,
        )

    @property
    def output_port_def(self) -> OutputPortDef:
        """The one output that data has."""
        return OutputPortDef(DataSource.DATASOURCE_PORT_NAME, self.datastore_name, data_type=self.data_type_id)

    def calculate_hash(self) -> str:
        """Return a digest of the definition, as the lines of a submission show it. Reuse follows the content of the data, not this."""
        return _digest(self)

    def __repr__(self) -> str:
        return f"DataSourceDef({self.name!r}, {self.datastore_name!r}, {self.path_on_datastore!r})"


class DataSource:
    """Data that no step writes, with its id."""

    DATASOURCE_PORT_NAME = "data"

    def __init__(self, datasource_id: str, datasource_def: DataSourceDef) -> None:
        self._id = datasource_id
        self._datasource_def = datasource_def

    @property
    def id(self) -> str:
        return self._id

    @property
    def datasource_def(self) -> DataSourceDef:
        return self._datasource_def


class DataType:
    """The type that SDK v1 gave to data: here a name and no more."""

    def __init__(
        self,
        workspace: Any,
        id: str,
        name: str,
        description: str | None,
        is_directory: bool,
        parent_datatype_ids: list[str] | None,
    ) -> None:
        self._workspace = workspace
        self.id = id
        self.name = name
        self.description = description
        self.is_directory = is_directory
        self.parent_datatype_ids = list(parent_datatype_ids or ())

    @staticmethod
    def list_data_types(workspace: Any) -> list[DataType]:
        """Return the two types there are: a file and a folder."""
        kinds = (("AnyFile", "a file", False), ("AnyDirectory", "a folder", True))
        return [DataType(workspace, name, name, text, is_directory, None) for name, text, is_directory in kinds]

    create_data_type = absent("DataType.create_data_type", _NO_TYPES)
    update = absent("DataType.update", _NO_TYPES)


class ModuleDef:
    """What a node of a graph runs."""

    fake_input_prefix = "_run_after_input_"
    fake_output_name = "_run_after_output"

    def __init__(
        self,
        name: str,
        description: str | None = None,
        input_port_defs: list[InputPortDef] | None = None,
        output_port_defs: list[OutputPortDef] | None = None,
        param_defs: list[ParamDef] | None = None,
        module_execution_type: str | None = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: str | None = None,
        module_type: str | None = None,
        step_type: str | None = None,
        arguments: list[Any] | None = None,
        runconfig: str | None = None,
        cloud_settings: str | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.input_port_defs = list(input_port_defs or ())
        self.output_port_defs = list(output_port_defs or ())
        self.param_defs = list(param_defs or ())
        self.module_execution_type = module_execution_type
        self.create_sequencing_ports = create_sequencing_ports
        self.allow_reuse = allow_reuse
        self.version = version
        self.module_type = module_type
        self.step_type = step_type
        self.arguments = list(arguments or ())
        self.runconfig = runconfig
        self.cloud_settings = cloud_settings

    def calculate_hash(self) -> str:
        """Return a digest of the definition. Reuse follows the step's key (`amlpipe explain`), not this."""
        return _digest(self)

    add_fake_sequencing_input_port = absent("ModuleDef.add_fake_sequencing_input_port", "order steps with run_after or a StepSequence")

    def __repr__(self) -> str:
        return f"ModuleDef({self.name!r})"


def _digest(item: Any) -> str:
    return hashlib.sha256(repr(sorted((name, repr(value)) for name, value in vars(item).items())).encode()).hexdigest()
