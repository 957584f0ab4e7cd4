"""What does a served model need? (nothing here serves one)"""

from __future__ import annotations

__all__ = ["ResourceConfiguration"]


class ResourceConfiguration:
    """Processors, memory and GPUs of a served model; kept with the version that ``Model.register`` makes, and used by nothing."""

    def __init__(self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu
