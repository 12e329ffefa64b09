"""The shipped examples are whole and have a notice; the made-up ones come from their maker."""

from __future__ import annotations

from pathlib import Path

import make_examples
import pytest
from paths import EXAMPLES

import taskaff

SHIPPED = Path(taskaff.__file__).parent / "examples"
SHIPPED_ROWS = {"films": 1000, "products": 999, "restaurants": 1000, "requests": 1500}


def test_made_up_examples_are_what_their_maker_writes(tmp_path, monkeypatch):
    written = {}
    monkeypatch.setattr(make_examples, "write", lambda path, rows: written.update({path: rows}))
    make_examples.main()
    monkeypatch.undo()
    assert set(written) == set(EXAMPLES.glob("*.csv"))
    for path, rows in written.items():
        make_examples.write(tmp_path / path.name, rows)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_every_shipped_example_stands_in_the_notice():
    notice = (SHIPPED / "NOTICE.md").read_text(encoding="utf-8")
    assert {file.stem for file in SHIPPED.glob("*.csv")} == set(SHIPPED_ROWS)
    for name in SHIPPED_ROWS:
        assert f"{name}.csv" in notice
    assert "CC BY 4.0" in notice
    assert "CC BY 3.0" in notice


@pytest.mark.parametrize(("name", "rows"), SHIPPED_ROWS.items())
def test_shipped_examples_are_read_whole(name, rows):
    found = taskaff.inspect(str(SHIPPED / f"{name}.csv"))
    assert found.rows == {"train": rows}
    assert len(found.schema.names) == (10 if name == "requests" else 2)
