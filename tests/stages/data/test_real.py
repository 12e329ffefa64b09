"""The shared data sets, with the rows and kinds that their README states."""

from __future__ import annotations

import re

import pytest
from stages.data._tables import opened

pytestmark = pytest.mark.data

ROW = re.compile(r"^\| (\w+) \| ([a-z_0-9 ,]+) \| (.+?) \|")
WORDS = {"data": "train", "part": "train", "train_part": "train", "dev": "validation"}


def stated(readme):
    """Folder, set, rows per split, and the cell on labels, from the README's tables."""
    folder = ""
    for line in readme.splitlines():
        if line.startswith("## "):
            folder = line[3:].strip("/ ")
        match = ROW.match(line)
        if match and match[1] != "set":
            rows = dict(entry.rsplit(" ", 1) for entry in match[2].split(", "))
            yield folder, match[1], {WORDS.get(k, k): int(v) for k, v in rows.items()}, match[3]


@pytest.mark.slow
def test_every_folder_opens_as_stated(shared_data):
    seen = 0
    for folder, name, rows, labels in stated((shared_data / "README.md").read_text()):
        task = opened(shared_data / folder / name)
        info = task.info
        assert dict(info.rows) == rows, name
        assert info.name == name
        assert sum(batch.rows for batch in task.batches()) == sum(rows.values())
        assert info.layout == ("pair" if "pairs" in labels else info.layout)
        count = re.match(r"\d+", labels)
        if "regression" in labels:
            assert info.schema.kind == "regression", name
        elif folder == "multilabel":
            assert info.schema.kind == "multilabel", name
            assert info.schema.width == int(count[0])
            width = re.search(r"features: (\d+)", labels)
            assert info.vector_width == (int(width[1]) if width else None)
        else:
            assert info.schema.kind == "classes", name
            assert info.schema.width == int(count[0])
            for label, times in re.findall(r"([\w/ -]+?) (\d+)[,)]", labels.partition("(")[2]):
                assert info.label_counts[label.strip()] == int(times), (name, label)
        seen += 1
    assert seen >= 40
