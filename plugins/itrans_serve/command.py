"""`itrans serve`."""

from __future__ import annotations

import importlib

import click

from itrans.commands import options

_LIBRARIES = ("fastapi", "uvicorn", "python_multipart")


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(), metavar="CHECKPOINT...")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets the network in."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="Port to listen on; 0: any free one."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Another name of this server, apart from localhost and numeric addresses.",
)
@click.option(
    "--max-bytes", type=click.IntRange(min=1), default=32_000_000, show_default=True, help="Most bytes of an upload."
)
@click.option(
    "--max-pixels", type=click.IntRange(min=1), default=16_000_000, show_default=True, help="Most pixels of a picture."
)
@click.option("--queue", type=click.IntRange(min=1), default=64, show_default=True, help="Most pictures that may wait.")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Most pictures at once.")
@click.option(
    "--body-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds for which an upload may be slow.",
)
@options.mode()
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed where a request gives none."
)
@options.precision()
@options.device
@options.code
def serve(
    checkpoints: tuple[str, ...],
    host: str,
    port: int,
    open_browser: bool,
    names: tuple[str, ...],
    max_bytes: int,
    max_pixels: int,
    queue: int,
    batch_size: int,
    body_seconds: float,
    mode: str,
    seed: int,
    precision: str,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Serve a page on which you draw and see the translation.

    CHECKPOINT is a .pt file, or a run's folder; the page offers a choice of several. Programs use the API behind
    the page, which /docs describes. Only this machine can connect, unless --host says otherwise.
    """
    _check_libraries()
    options.import_code(code)

    from itrans.commands import keep_freed_memory
    from itrans_serve.server import is_loopback, listening_socket, run

    with listening_socket(host, port) as listening:
        keep_freed_memory()

        from itrans_serve.desk import Desk
        from itrans_serve.served import load_all

        def note(text: str) -> None:
            click.echo(text, err=True)

        served = load_all(checkpoints, note, device=device, mode=mode, precision=precision)
        if not is_loopback(listening):
            note(f"Warning: at {host} everyone on this machine's networks can use the server: it asks for no password.")
        with Desk(
            served,
            seed=seed,
            most_waiting=queue,
            batch_size=batch_size,
            most_bytes=max_bytes,
            most_pixels=max_pixels,
            seconds=body_seconds,
        ) as desk:
            run(desk, listening, (host, *names), open_browser=open_browser)


def _check_libraries() -> None:
    from itrans.api import PluginError

    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise PluginError(f"itrans serve needs {name}: pip install 'itrans[serve]'") from error
