"""Which errors do datasets raise of their own?"""

from __future__ import annotations

from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["DatasetExecutionError", "DatasetValidationError"]


class DatasetValidationError(UserErrorException):
    """A dataset's definition names data that is not there."""


class DatasetExecutionError(UserErrorException):
    """Kept for scripts that catch it; never raised."""
