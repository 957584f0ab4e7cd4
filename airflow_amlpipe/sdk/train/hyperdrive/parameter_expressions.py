"""How are the values that a hyperparameter may have written down? As SDK v1 did: the name of a distribution and its arguments."""

from __future__ import annotations

from typing import Any

__all__ = ["choice", "lognormal", "loguniform", "normal", "qlognormal", "qloguniform", "qnormal", "quniform", "randint", "uniform"]


def choice(*options: Any) -> list[Any]:
    """One of ``options``, given one by one or as one list or range."""
    if len(options) == 1 and isinstance(options[0], (list, range)):
        options = tuple(options[0])
    return ["choice", [list(options)]]


def randint(upper: int) -> list[Any]:
    """A whole number from 0 up to ``upper``, without it."""
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> list[Any]:
    """A number between the two."""
    return ["uniform", [min_value, max_value]]


def quniform(min_value: float, max_value: float, q: float) -> list[Any]:
    """A multiple of ``q`` between the two."""
    return ["quniform", [min_value, max_value, q]]


def loguniform(min_value: float, max_value: float) -> list[Any]:
    """A number whose logarithm is between the two."""
    return ["loguniform", [min_value, max_value]]


def qloguniform(min_value: float, max_value: float, q: float) -> list[Any]:
    """A multiple of ``q`` whose logarithm is between the two."""
    return ["qloguniform", [min_value, max_value, q]]


def normal(mu: float, sigma: float) -> list[Any]:
    """A number that is distributed normally."""
    return ["normal", [mu, sigma]]


def qnormal(mu: float, sigma: float, q: float) -> list[Any]:
    """A multiple of ``q`` that is distributed normally."""
    return ["qnormal", [mu, sigma, q]]


def lognormal(mu: float, sigma: float) -> list[Any]:
    """A number whose logarithm is distributed normally."""
    return ["lognormal", [mu, sigma]]


def qlognormal(mu: float, sigma: float, q: float) -> list[Any]:
    """A multiple of ``q`` whose logarithm is distributed normally."""
    return ["qlognormal", [mu, sigma, q]]
