"""What does `from azureml.exceptions import ...` find inside a step?"""

from airflow_amlpipe.runtime.errors import (
    AzureMLException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    RunEnvironmentException,
    UserErrorException,
    WebserviceException,
)

__all__ = [
    "AzureMLException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "RunEnvironmentException",
    "UserErrorException",
    "WebserviceException",
]


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    from airflow_amlpipe.runtime.elsewhere import from_sdk

    return from_sdk("exceptions", name, "azureml.exceptions." + name)
