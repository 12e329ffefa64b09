"""The command line: flags in, exit code out, no science; one file a command."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        from taskaff.cli.interrupt import leave, on_interrupt

        on_interrupt(leave)  # before the long imports
    except KeyboardInterrupt:
        sys.exit(130)
    from taskaff.cli.run import main as run_main

    run_main()
