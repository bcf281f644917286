"""From checkpoints and an address to a server that runs until it is told to end."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING

import click
import uvicorn

from itrans.api import ItransError
from itrans_serve.app import create_app

if TYPE_CHECKING:
    from collections.abc import Collection

    from itrans_serve.desk import Desk

_BACKLOG = 128
_SECONDS_TO_END = 3
"""For which requests in hand may go on after Ctrl-C."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any free one.

    Raises:
        ItransError: that cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ItransError(f"--host {host} is not an address of this machine: {error}.") from error
    found = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # where it would let two servers share a port; here it frees one that was just left
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise ItransError(
                f"Port {port} of {host} is in use. Choose another: --port {port % 65535 + 1}; 0 is any that is free."
            ) from error
        raise ItransError(f"Cannot listen at {host}, port {port}: {error.strerror}.") from error
    return found


def address_of(listening: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}/"


def is_loopback(listening: socket.socket) -> bool:
    """Whether nobody but this machine reaches a socket."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def server_of(desk: Desk, names: Collection[str] = ()) -> uvicorn.Server:
    """Return a server of a desk's pictures, with names besides `localhost`; it prints nothing but its own faults."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(desk, names),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
    )


def run(desk: Desk, listening: socket.socket, names: Collection[str], *, open_browser: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM; requests in hand have a few seconds to end.

    Networks compute in this thread, which has to be the main one; the server has another.
    """
    server = server_of(desk, names)
    address = address_of(listening)

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True
        desk.close()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    answering = threading.Thread(target=_answer, args=(server, listening, desk), name="itrans-serve")
    answering.start()
    click.echo(f"Serving {', '.join(desk.served)} at {address} (Ctrl-C ends it)")
    if open_browser:
        webbrowser.open(address)
    try:
        desk.work()
    finally:
        server.should_exit = True
        answering.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    click.echo("Ended.")


def _answer(server: uvicorn.Server, listening: socket.socket, desk: Desk) -> None:
    try:
        server.run(sockets=[listening])
    finally:
        desk.close()  # a server that cannot go on ends the whole
