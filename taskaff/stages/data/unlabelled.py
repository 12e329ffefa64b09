"""Files of a test split that were published without labels, such as ``test.tsv`` of GLUE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from taskaff.stages.data.columns import Choice
from taskaff.stages.data.scan import FileScan

Lost = tuple[FileScan, str, int]
"""A file without a label column, the reason to leave it out, and its rows."""


def unlabelled(files: Sequence[FileScan], choice: Choice) -> list[Lost]:
    """The files of the test split that lack a label column of the others.

    Columns without names are counted (``c0``, ``c1``), and then any column of the others that a
    file lacks says that its columns are other ones: ``test.tsv`` of CoLA has two of four.
    """
    if all(file.split == "test" for file in files):
        return []
    out = []
    for file in files:
        names = [column.name for column in file.reader.columns]
        counted = names == [f"c{at}" for at in range(len(names))]
        needed = (*choice.labels, *choice.inputs) if counted and choice.labels else choice.labels
        lost = [name for name in needed if name not in names]
        if file.split == "test" and lost:
            rows = sum(batch.num_rows for batch in file.reader.scan([]))
            out.append((file, f"no column {lost[0]!r} in {PurePath(file.path).name}", rows))
    return out
