"""Importing the room loads none of the libraries that its formats use."""

from __future__ import annotations

import os
import subprocess
import sys

from paths import ROOT, TESTS


def printed(code: str) -> str:
    """What Python prints that knows the program and the tests, wherever it is started."""
    search = os.pathsep.join([str(ROOT), str(TESTS)])
    environment = {**os.environ, "PYTHONPATH": search}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_is_light() -> None:
    code = (
        "import sys, taskaff.stages.report as report, taskaff.stages.report.escape; "
        "report.result_schema(); "
        "print([m for m in ('numpy', 'pyarrow', 'rich', 'scipy', 'pandas') if m in sys.modules])"
    )
    assert printed(code) == "[]"


def test_formats_for_machines_do_without_rich_and_none_needs_scipy() -> None:
    code = (
        "import sys; from stages.report._zoo import ZOO; "
        "from taskaff.stages.report import FORMATS, render; "
        "[render(ZOO['two'], f) for f in ('json', 'jsonl', 'csv')]; "
        "assert 'rich' not in sys.modules; [render(ZOO['two'], f) for f in FORMATS]; "
        "print([m for m in ('scipy', 'pandas', 'torch') if m in sys.modules])"
    )
    assert printed(code) == "[]"
