"""The program `itrans`; also `python -m itrans`, and `torchrun -m itrans` for several processes."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_IMPORT = "<frozen importlib._bootstrap>"
_INTERRUPTED = "Interrupted.\n"
_CODE = 130


def main() -> None:
    """Run the command line, and end with a word if Ctrl-C or SIGTERM comes before it listens to them itself."""
    try:
        try:
            signal.signal(signal.SIGTERM, _interrupt)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else a shell wants it to be ignored
                signal.signal(signal.SIGINT, _interrupt)
            from itrans.cli import main as run_command_line

            run_command_line()
        finally:
            for number in (
                signal.SIGINT,
                signal.SIGTERM,
            ):  # all is done and said: one that comes now would only spoil the exit code
                signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        sys.stderr.write(_INTERRUPTED)
        sys.exit(_CODE)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; but end at once in the middle of an import, where torch would abort or not heed it."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            os.write(2, _INTERRUPTED.encode())
            os._exit(_CODE)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
