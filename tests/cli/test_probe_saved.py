"""Files of predictions and matrices, and options that are refused, from the command line."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

QUICK = ("--updates", "10", "--patience", "0", "--seeds", "2", "--recipe", "turns", "-q")
DATA = tuple(f"synthetic:linear?task={i}&rows=200&d=20" for i in (1, 2))


def test_both_files_are_written(direct, tmp_path):
    rows, found = tmp_path / "rows.parquet", tmp_path / "R.safetensors"
    done = direct("probe", *DATA, *QUICK, "--align", "--save-predictions", rows, "-o", found)
    assert done.returncode == 0, done.stderr
    assert len(load_file(found)) == 2 * 2 * 2
    assert set(pq.read_table(rows).column("arm").to_pylist()) == {"mtl", "align", "align control"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--save-predictions", "rows.csv"), "--save-predictions rows.parquet"),
        (("-o", "R.safetensors"), "-o FILE.safetensors means nothing here"),
        (("--capacity", "1,2", "--align"), "--align means nothing here"),
        (("--mode", "mix", "--targets", "task1"), "--targets means nothing here"),
        (("--mode", "transfer", "--predict"), "--predict is about pairs"),
    ],
)
def test_what_means_nothing_is_refused(direct, more, said):
    done = direct("probe", *DATA, *QUICK[:6], *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert "hint: " in done.stderr
