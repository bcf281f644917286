"""What importing a component's module does."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS = 120
_LACKING, _CONNECTED = 3, 4
_PROGRAM = """\
import socket, sys
sys.path[:] = {path!r}
tried = []
def refuse(*arguments, **_):
    if not (arguments and getattr(arguments[0], "family", None) == getattr(socket, "AF_UNIX", 0)):
        tried.append(arguments)
        raise ConnectionError("no connections during an import")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
import importlib
try:
    importlib.import_module({module!r})
except ModuleNotFoundError as error:
    if error.name and ({module!r} + ".").startswith(error.name + "."):
        sys.exit({lacking})
    raise
except BaseException:
    if tried:
        sys.exit({connected})
    raise
sys.exit({connected} if tried else 0)
"""


def import_faults(component: Callable[..., Any]) -> list[str]:
    """Return what importing the component's module does that it should not: fail, connect to a network, or print.

    It is imported in a new process, once for all components of a module.
    """
    module = getattr(component, "__module__", "__main__")
    if module == "__main__" or getattr(sys.modules.get(module), "__spec__", None) is None:
        return []  # a notebook's or a script's own, which nothing but that imports
    return list(_import_faults_of(module, tuple(sys.path)))


@contextlib.contextmanager
def no_connections() -> Iterator[None]:
    """Refuse all connections to other machines for as long as the block lasts."""
    kept = {
        (socket.socket, "connect"): socket.socket.connect,
        (socket.socket, "connect_ex"): socket.socket.connect_ex,
        (socket, "create_connection"): socket.create_connection,
        (socket, "getaddrinfo"): socket.getaddrinfo,
    }

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("it tries to connect to a network")

    try:
        for place, name in kept:
            setattr(place, name, refuse)
        yield
    finally:
        for (place, name), function in kept.items():
            setattr(place, name, function)


@functools.cache
def _import_faults_of(module: str, path: tuple[str, ...]) -> tuple[str, ...]:
    program = _PROGRAM.format(path=list(path), module=module, lacking=_LACKING, connected=_CONNECTED)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return (f"Importing {module} takes longer than {_SECONDS} s.",)
    if done.returncode == _LACKING:
        return ()  # a test's own module, say, which tests alone can import
    if done.returncode == _CONNECTED:
        return (f"Importing {module} connects to a network: what is downloaded belongs where it is needed.",)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return (f"Importing {module} in a new process fails: {last}",)
    if done.stdout.strip():
        return (f"Importing {module} prints {done.stdout.strip().splitlines()[0]!r}: an import is silent.",)
    return ()
