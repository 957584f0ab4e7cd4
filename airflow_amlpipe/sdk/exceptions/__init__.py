"""Which exceptions does a script that catches `azureml.exceptions` find?

SDK v1's names, hung into our own tree (``airflow_amlpipe.exceptions``), so that both ``except UserErrorException`` of an old script and
``except DefinitionError`` of a new one catch what they should. Those that the runtime raises inside a step are its own classes.
"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import (
    AmlPipeError,
    DefinitionError,
    InfrastructureError,
    StepFailedError,
    UnknownNameError,
    UnsupportedFeatureError,
)
from airflow_amlpipe.runtime.errors import (
    AzureMLException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    RunEnvironmentException,
    UserErrorException,
    WebserviceException,
)

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLException",
    "ComputeTargetException",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ExperimentNotFoundException",
    "ImageException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "NotSupportedYetError",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
]


class WorkspaceException(AzureMLException, DefinitionError):
    """A workspace does not exist, or exists already."""


class ProjectSystemException(AzureMLException, DefinitionError):
    """A local project folder cannot be used."""


class ComputeTargetException(AzureMLException, UnknownNameError):
    """A compute target does not exist, or cannot be made like this."""


class RunConfigurationException(AzureMLException, DefinitionError):
    """A run configuration file cannot be read."""


class SnapshotException(AzureMLException, DefinitionError):
    """A source folder cannot be frozen."""


class ExperimentNotFoundException(AzureMLException, UnknownNameError):
    """No run was ever submitted under this experiment's name."""


class DiscoveryUrlNotFoundException(AzureMLException, UnknownNameError):
    """Kept for scripts that catch it; never raised."""


class AuthenticationException(AzureMLException):
    """Kept for scripts that catch it; never raised."""


class ImageException(AzureMLException, UnsupportedFeatureError):
    """Kept for scripts that catch it; never raised: models are served elsewhere."""


class ServiceException(AzureMLException, InfrastructureError):
    """Kept for scripts that catch it; never raised: there is no service.

    :ivar status_code: what SDK v1's service answered
    """

    def __init__(self, exception_message: str, status_code: int | None = None, **_kwargs: Any) -> None:
        super().__init__(exception_message)
        self.status_code = status_code


class ExperimentExecutionException(AzureMLException, InfrastructureError):
    """Waiting for a run was interrupted; the run itself goes on."""


class TrainingException(AzureMLException, InfrastructureError):
    """Kept for scripts that catch it; never raised."""


class ActivityFailedException(AzureMLException, StepFailedError):
    """A run failed or was cancelled.

    :ivar exit_code: what the failed script returned, if one step failed
    :ivar log_tail: the last lines it wrote
    """

    def __init__(self, error_details: str, *, exit_code: int | None = None, log_tail: str = "", **_kwargs: Any) -> None:
        AmlPipeError.__init__(self, error_details)
        self.inner_exception = None
        self.exit_code = exit_code
        self.log_tail = log_tail


class NotSupportedYetError(UnsupportedFeatureError, ImportError):
    """A name of SDK v1 that airflow-amlpipe does not have; an ImportError too, because importing is where it is met."""

    def __init__(self, message: str, *, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name
