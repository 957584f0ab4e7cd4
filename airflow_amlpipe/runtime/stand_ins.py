"""What is a class that a script may import, and that cannot be used here?

Scripts import more than they use, and pass by what they do not call; so a class that is not here has one in its place, which says what to do
when it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ["stand_in"]


def stand_in(name: str, refuse: Callable[[str], Any], **attributes: Any) -> Any:
    """Return a class of this name: making one, and calling any method of it, calls ``refuse`` with what was called.

    One that is named as errors are is an exception, which nobody raises: ``except`` clauses look at it while another error is on its way.

    :param refuse: raises, a new error each time
    """
    bases = (Exception,) if name.endswith(("Error", "Exception")) else ()
    return _StandIn(name, bases, dict(attributes, _refuse=staticmethod(refuse), _stands_for=name))


class _StandIn(type):
    """The class of those classes, and of what scripts derive from them."""

    _refuse: Callable[[str], Any]
    _stands_for: str

    def __call__(cls, *_: Any, **__: Any) -> Any:
        return cls._refuse(cls._stands_for)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):  # probed for, not used: notebooks look for _repr_html_
            raise AttributeError("type object %r has no attribute %r" % (cls.__name__, name))

        def method(*_: Any, **__: Any) -> Any:
            return cls._refuse("%s.%s" % (cls._stands_for, name))

        method.__doc__ = cls.__doc__
        return method
