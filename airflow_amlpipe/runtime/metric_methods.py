"""Which metrics can a script log, and how does it read them back?"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002

from __future__ import annotations

import json
import os
import time

from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.values import check_name, list_to_json, scalar_to_json, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Union

    from airflow_amlpipe.runtime.protocol import Event
    from airflow_amlpipe.runtime.summary import RunSummary

__all__ = ["MetricMethods"]


class MetricMethods:
    """The ``log*`` methods of a run, and ``get_metrics``."""

    id: str

    def _record(self, event: Event) -> None:
        raise NotImplementedError

    def _summary(self) -> RunSummary:
        raise NotImplementedError

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Optional[str] = None) -> None:
        """Keep a file with the run."""
        raise NotImplementedError

    def log(self, name: str, value: Any, description: str = "", step: Optional[int] = None) -> None:
        """Log one number or text; called again with the same name, the metric becomes a list.

        :raises UserErrorException: ``value`` is a list, or something that cannot be logged
        """
        self._log("scalar", name, scalar_to_json(_metric(name), value), description, step)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        """Log a list of numbers or texts."""
        self._log("list", name, list_to_json(_metric(name), value), description)

    def log_row(self, name: str, description: Optional[str] = None, **kwargs: Any) -> None:
        """Log one row of a table, its columns as keywords."""
        if not kwargs:
            raise UserErrorException("%s: log_row needs at least one column, for example log_row(%r, x=1, y=0.5)" % (_metric(name), name))
        self._log("row", name, {column: scalar_to_json(_metric(name), value) for column, value in kwargs.items()}, description)

    def log_table(self, name: str, value: Dict[str, Any], description: str = "") -> None:
        """Log a table: a mapping of columns to lists."""
        if not isinstance(value, dict):
            raise UserErrorException("%s: log_table needs a mapping of columns to lists, not %s" % (_metric(name), type(value).__name__))
        self._log("table", name, to_json(_metric(name), value), description)

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Log an image file, or a ``matplotlib`` plot; it is kept as an artifact named after the metric and the time.

        :raises UserErrorException: neither or both are given
        """
        if (path is None) == (plot is None):
            raise UserErrorException("%s: log_image needs either path=... or plot=..." % _metric(name))
        suffix = ".png" if path is None else os.path.splitext(os.fspath(path))[1] or ".png"
        artifact = "%s_%d%s" % (check_name("metric", name).replace("/", "_").replace("\\", "_").strip(". "), time.time_ns() // 1000, suffix)
        if path is None:
            import io

            image = io.BytesIO()
            plot.savefig(image, format="png")
            image.seek(0)
            path = image
        self.upload_file(artifact, path)
        self._log("image", name, artifact, description)

    def log_confusion_matrix(self, name: str, value: Union[str, Dict[str, Any]], description: str = "") -> None:
        """Log a confusion matrix, as SDK v1's JSON or the mapping it is read from."""
        self._log_document("confusion_matrix", name, value, description)

    def log_accuracy_table(self, name: str, value: Union[str, Dict[str, Any]], description: str = "") -> None:
        """Log an accuracy table, as SDK v1's JSON or the mapping it is read from."""
        self._log_document("accuracy_table", name, value, description)

    def log_residuals(self, name: str, value: Union[str, Dict[str, Any]], description: str = "") -> None:
        """Log residuals, as SDK v1's JSON or the mapping it is read from."""
        self._log_document("residuals", name, value, description)

    def log_predictions(self, name: str, value: Union[str, Dict[str, Any]], description: str = "") -> None:
        """Log predictions, as SDK v1's JSON or the mapping it is read from."""
        self._log_document("predictions", name, value, description)

    def get_metrics(
        self, name: Optional[str] = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> Dict[str, Any]:
        """Return everything logged so far, or the metric ``name`` alone; with ``recursive``, by the run's id."""
        metrics = self._summary().metrics()
        if name is not None:
            metrics = {name: metrics[name]} if name in metrics else {}
        return {self.id: metrics} if recursive else metrics

    def _log(self, kind: str, name: str, value: Any, description: Optional[str] = "", step: Optional[int] = None) -> None:
        event: Event = {"kind": "metric", "type": kind, "name": check_name("metric", name), "value": value, "at": time.time()}
        if description:
            event["description"] = str(description)
        if step is not None:
            event["step"] = int(step)
        self._record(event)

    def _log_document(self, kind: str, name: str, value: Any, description: str) -> None:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise UserErrorException("%s: the %s is not JSON (%s)" % (_metric(name), kind.replace("_", " "), error)) from error
        if not isinstance(value, dict):
            raise UserErrorException("%s: a JSON object or a mapping is wanted, not %s" % (_metric(name), type(value).__name__))
        self._log(kind, name, to_json(_metric(name), value), description)


def _metric(name: object) -> str:
    return "metric %.200r" % (name,)
