"""The command line: flags in, exit code out, no science; one file a command."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    from taskaff.cli._run import main as run_main

    run_main()
