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


def test_one_file_of_several_labels_is_several_tasks(direct, tmp_path):
    lines = ["x1,x2,x3,red,blue"]
    for i in range(120):
        lines.append(f"{i % 7},{i % 5},{i % 3 - 1},{int(i % 7 > 3)},{int(i % 5 > 2)}")
    (tmp_path / "colours.csv").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("colours.csv", "--text", "x1,x2", "--label", "red,blue")
    done = direct("probe", *arguments, *QUICK, "--each-label", "-f", "csv")
    assert done.returncode == 0, done.stderr
    assert "colours.red,colours.blue,mtl,alone" in done.stdout
    alone = direct("probe", *arguments, *QUICK)
    assert alone.returncode == 2
