"""How does a job see data of others at paths of its own, read-only, while nobody else does?

Run as a program, as the first process of a job: it leaves the mounts of the machine for a private copy of them, mounts each source over
its target, says so, and becomes the command. The mounts exist for the processes of the job alone and go with the last of them, however it
ends. It runs before anything of the job's environment is loaded and imports the standard library only; ``ctypes``, because Python calls
neither ``mount`` nor, before 3.12, ``unshare``.

A user who may not mount gets a user namespace in which only the own user and group have names, and are who they were. All rights that came
with it are lost when the command starts, so the script cannot unmount or write either. Files of others look as if they belonged to
``nobody``; access to them is what it was.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["READY", "System", "main"]

READY = b"ready\n"
"""What is said when everything is mounted; anything else is why it could not be."""

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 1 << 19
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_READ_ONLY, _NO_SETUID, _NO_DEVICES = 0x1, 0x2, 0x4
_MOUNT_SETATTR = 442  # on every processor
_TAKEN_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class _Attributes(ctypes.Structure):
    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64), ("user_namespace", ctypes.c_uint64))


def main(arguments: list[str]) -> None:
    """Mount and become the command.

    :param arguments: the descriptor to say it on, the process whose mounts to begin with (0: those of the machine), how many views there
        are, source and target of each, and the command
    """
    descriptor, other, count = map(int, arguments[:3])
    paths, command = arguments[3 : 3 + 2 * count], arguments[3 + 2 * count :]
    os.set_inheritable(descriptor, False)
    try:
        system = System()
        if other:
            system.join(other)
        else:
            system.leave()
        for source, target in zip(paths[::2], paths[1::2], strict=True):
            system.show(source, target)
    except OSError as error:
        os.write(descriptor, f"{error.filename}: {error.strerror}".encode(errors="replace"))
        os._exit(126)
    os.write(descriptor, READY)
    for number in _TAKEN_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606  # an argument list is how a step runs


class System:
    """The calls that Python has not."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    def leave(self) -> None:
        """Go into a private copy of the machine's mounts: what is mounted there later is seen here too, not the other way round."""
        user, group = os.geteuid(), os.getegid()
        if user == 0:
            self._check("unshare", self._library.unshare(_CLONE_NEWNS))
        else:
            self._check("unshare", self._library.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))
            # Without this nobody but root may give groups names.
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user} {user} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        self._check("mount", self._library.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None))

    def join(self, process: int) -> None:
        """Go into a copy of the mounts that another process of this user has, and stay in the folder."""
        folder = os.getcwd()
        for kind in ("user", "mnt") if os.geteuid() else ("mnt",):
            descriptor = os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._check("setns", self._library.setns(descriptor, 0))
            finally:
                os.close(descriptor)
        self._check("unshare", self._library.unshare(_CLONE_NEWNS))
        # Who joins begins at the root.
        os.chdir(folder)

    def show(self, source: str, target: str) -> None:
        """Mount ``source``, with what is mounted below it, over ``target``, read-only."""
        place = os.fsencode(target)
        self._check(target, self._library.mount(os.fsencode(source), place, None, ctypes.c_ulong(_MS_BIND | _MS_REC), None))
        wanted = _Attributes(_READ_ONLY | _NO_SETUID | _NO_DEVICES, 0, 0, 0)
        call = self._library.syscall
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        self._check(
            "mount_setattr", call(_MOUNT_SETATTR, ctypes.c_int(_AT_FDCWD), place, ctypes.c_uint(_AT_RECURSIVE), ctypes.byref(wanted), size)
        )

    @staticmethod
    def _check(what: str, result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), what)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
