"""Which estimators did SDK v1 have for neural networks? The frameworks' own packages stand for its images of them."""

from __future__ import annotations

from airflow_amlpipe.sdk.train.estimator import Estimator, Gloo, Mpi, Nccl, ParameterServer

__all__ = ["Chainer", "Gloo", "Mpi", "Nccl", "ParameterServer", "PyTorch", "TensorFlow"]


class PyTorch(Estimator):
    """A training script with PyTorch around it; ``framework_version`` says which."""

    _packages = ("torch", "torchvision")


class TensorFlow(Estimator):
    """A training script with TensorFlow around it; ``framework_version`` says which."""

    _packages = ("tensorflow",)


class Chainer(Estimator):
    """A training script with Chainer around it; ``framework_version`` says which."""

    _packages = ("chainer",)
