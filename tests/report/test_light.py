"""Importing the room loads none of the libraries that its formats use."""

from __future__ import annotations

import subprocess
import sys


def test_import_is_light() -> None:
    code = (
        "import sys, taskaff.report, taskaff.report.escape; taskaff.report.result_schema(); "
        "print([m for m in ('numpy', 'pyarrow', 'rich', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_formats_for_machines_do_without_rich_and_none_needs_scipy() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); from report._zoo import ZOO; "
        "from taskaff.report import FORMATS, render; "
        "[render(ZOO['two'], f) for f in ('json', 'jsonl', 'csv')]; "
        "assert 'rich' not in sys.modules; [render(ZOO['two'], f) for f in FORMATS]; "
        "print([m for m in ('scipy', 'pandas', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
