"""Files of a test split that were published without labels, such as ``test.tsv`` of GLUE."""

from __future__ import annotations

from collections.abc import Sequence

from taskaff.data.columns import Choice
from taskaff.data.scan import FileScan


def unlabelled(files: Sequence[FileScan], choice: Choice) -> list[tuple[FileScan, str]]:
    """The files of the test split that lack a label column of the others, each with a note."""
    if all(file.split == "test" for file in files):
        return []
    out = []
    for file in files:
        names = {column.name for column in file.reader.columns}
        lost = [name for name in choice.labels if name not in names]
        if file.split == "test" and lost:
            rows = sum(batch.num_rows for batch in file.reader.scan([]))
            out.append(
                (file, f"left out, no column {lost[0]!r}: {file.path} ({rows:,} rows of test)")
            )
    return out
