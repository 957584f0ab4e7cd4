"""How is data given a name?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset, DatasetFactories

__all__ = ["Dataset"]

_OLD = "use Dataset.File.from_files"
_TABLE = "use Dataset.Tabular.from_delimited_files"


class Dataset(metaclass=DatasetFactories):
    """Where scripts start from: ``Dataset.File.from_files(...)``, ``Dataset.get_by_name(ws, name)``."""

    def __init__(self, definition: Any, workspace: Any = None, name: str | None = None, id: str | None = None) -> None:
        refuse("Dataset(...)", _OLD)

    get_by_name = staticmethod(AbstractDataset.get_by_name)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_all = staticmethod(AbstractDataset.get_all)

    auto_read_files = absent("Dataset.auto_read_files", _OLD)
    from_binary_files = absent("Dataset.from_binary_files", _OLD)
    from_delimited_files = absent("Dataset.from_delimited_files", _TABLE)
    from_excel_files = absent("Dataset.from_excel_files", "make a FileDataset and read it with pandas in the script")
    from_json_files = absent("Dataset.from_json_files", "use Dataset.Tabular.from_json_lines_files")
    from_pandas_dataframe = absent("Dataset.from_pandas_dataframe", "use Dataset.Tabular.register_pandas_dataframe")
    from_parquet_files = absent("Dataset.from_parquet_files", "use Dataset.Tabular.from_parquet_files")
    from_sql_query = absent("Dataset.from_sql_query", "use Dataset.Tabular.from_sql_query")
    get = absent("Dataset.get", "use Dataset.get_by_name or Dataset.get_by_id")
    list = absent("Dataset.list", "use Dataset.get_all")
