"""The program `itrans`; also `python -m itrans`, and `torchrun -m itrans` for several processes."""

from __future__ import annotations

import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line, and end with a word if Ctrl-C or SIGTERM comes before it listens to them itself."""
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        from itrans.cli import main as run_command_line

        run_command_line()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
