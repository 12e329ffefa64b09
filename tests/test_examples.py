"""The shipped examples are what their generator writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "taskaff" / "examples"


def test_examples_are_what_the_generator_writes(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make_examples.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    written = {}
    monkeypatch.setattr(make, "write", lambda path, rows: written.update({path.name: rows}))
    make.main()
    assert set(written) == {"films.csv", "books.csv", "questions.csv"}
    monkeypatch.undo()
    for name, rows in written.items():
        make.write(tmp_path / name, rows)
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()
