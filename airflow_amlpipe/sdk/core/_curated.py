"""Which packages does a curated environment of Azure ML stand for?

Microsoft's images are not used, and the versions in their names are not kept to: those are of years past, for Pythons that are gone. A curated name is a
set of requirements, which the installer resolves for the Python there is. A workspace may register an environment of its own under such a name.
"""

from __future__ import annotations

import re

__all__ = ["CURATED_NAMES", "curated_requirements"]

_SCIENCE = ("numpy", "pandas", "scipy", "scikit-learn", "joblib", "matplotlib")
_TORCH = ("torch", "torchvision", "numpy", "pandas", "tqdm")
_TENSORFLOW = ("tensorflow", "numpy", "pandas", "matplotlib")

# The first that the name begins with, without regard to case.
_FAMILIES = (
    (r"azureml-minimal", ()),
    (r"azureml-tutorial", (*_SCIENCE, "pyarrow")),
    (r"azureml-(scikit-?learn|sklearn)", _SCIENCE),
    (r"azureml-(acpt-)?pytorch|azureml-acpt", _TORCH),
    (r"azureml-tensorflow|azureml-tf", _TENSORFLOW),
    (r"azureml-keras", (*_TENSORFLOW, "keras")),
    (r"azureml-lightgbm", ("lightgbm", *_SCIENCE)),
    (r"azureml-xgboost", ("xgboost", *_SCIENCE)),
    (r"azureml-(pyspark|spark)", ("pyspark", "pandas", "pyarrow")),
    (r"azureml-dask", ("dask[complete]", "pandas", "pyarrow")),
    (r"azureml-(designer|responsibleai|ai-studio)", (*_SCIENCE, "pyarrow")),
)

CURATED_NAMES = (
    "AzureML-Minimal",
    "AzureML-Tutorial",
    "AzureML-Scikit-learn-0.20.3",
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu",
    "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu",
    "AzureML-sklearn-1.5",
    "AzureML-PyTorch-1.6-CPU",
    "AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu",
    "AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu",
    "AzureML-TensorFlow-2.2-CPU",
    "AzureML-tensorflow-2.4-ubuntu18.04-py37-cpu-inference",
    "AzureML-tensorflow-2.12-cuda11",
    "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu",
)
"""Names that listings show; others of the same families are known too."""


def curated_requirements(name: str) -> tuple[str, ...] | None:
    """Return the packages that a curated name stands for; ``None`` if it is none that is known.

    >>> curated_requirements("AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu")[0]
    'lightgbm'
    """
    for pattern, packages in _FAMILIES:
        if re.match(rf"(?:{pattern})(?![a-z])", name, re.IGNORECASE):
            return packages
    return None
