"""What a reader may find surprising about the labels: which value, how often, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from taskaff.core.records.data import SPLITS
from taskaff.stages.data.candidates import is_number
from taskaff.stages.data.kinds import Column
from taskaff.stages.data.labelling import Labelling
from taskaff.stages.data.labels import LabelTally
from taskaff.stages.data.names import and_more
from taskaff.stages.data.value_counts import BINARY

SHOWN = 4
_MANY = 20
"""Whole numbers as classes, past which an amount is as likely."""
_RARE_ROWS = 50


def unlabelled_note(unlabelled: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Rows that were left out, by split and reason."""
    parts = []
    for split, reasons in unlabelled.items():
        why = _some([f"{count:,} ({reason})" for reason, count in reasons.items()])
        parts.append(f"{split} {why}")
    return [f"rows without a label are left out: {'; '.join(parts)}"] if parts else []


def sanity_note(tally: LabelTally, labelling: Labelling, paths: Sequence[str]) -> list[str]:
    """Join all remarks on the labels into one note; no note without remarks."""
    column = tally.column
    if column is None:
        return []
    remarks = _on_values(tally, column, labelling)
    if labelling.schema.kind in ("classes", "multilabel"):
        remarks += [*_unseen(labelling), *_between_splits(tally, labelling)]
        remarks += _between_files(tally, labelling, paths)
    return [f"labels: {'; '.join(remarks)}"] if remarks else []


def _on_values(tally: LabelTally, column: Column, labelling: Labelling) -> list[str]:
    kind, counts = labelling.schema.kind, tally.counts(labelling)
    if kind == "classes":
        remarks = [*_alike(counts), *_rare(counts, column)]
        if not tally.requested and not column.named:
            remarks += _whole_numbers(column, counts)
        if not column.numeric:
            remarks += _mixed(column, labelling)
        return remarks
    if tally.requested:
        return []
    if kind == "regression" and not column.forms["decimal"]:
        return [
            f"{len(column.words):,} whole numbers in {column.rows:,} rows are amounts; "
            "--label-kind classes if they are classes"
        ]
    if kind == "multilabel" and column.forms["list"]:
        return ["the lists written as text are read; --label-kind classes takes each as one class"]
    return []


def _whole_numbers(column: Column, counts: Mapping[str, int]) -> list[str]:
    amounts = "--label-kind regression if they are amounts"
    if column.numeric and column.tally.pointed:
        value, count = next(iter(counts.items()))
        return [
            f"{column.tally.pointed:,} whole numbers stored as decimals are classes "
            f"({value!r} {count:,}, {len(counts):,} in all); {amounts}"
        ]
    if column.numeric and len(counts) > _MANY:
        return [f"{len(counts):,} whole numbers are classes; {amounts}"]
    return []


def _mixed(column: Column, labelling: Labelling) -> list[str]:
    digits = labelling.schema.names
    truth = [word for word in column.words if word in ("true", "false")]
    if truth and set(digits) <= set(BINARY):
        rows = sum(column.words[word] for word in truth)
        return [f"true and false count as 1 and 0 ({rows:,} rows, among 0 and 1)"]
    numbers = column.forms["integer"] + column.forms["decimal"]
    if not numbers:
        return []
    rare = [word for word, _ in column.words.most_common() if not is_number(word)]
    listed = _some([f"{word[:60]!r} {column.words[word]:,}" for word in rare])
    return [
        f"{numbers:,} numbers and the words {listed} are classes; "
        "--missing-label for words that mean no label"
    ]


def _alike(counts: Mapping[str, int]) -> list[str]:
    folded = Counter(_folded(name) for name in counts)
    same = [f"{n[:60]!r} {c:,}" for n, c in counts.items() if folded[_folded(n)] > 1]
    return [f"classes that differ only in case or blanks: {_some(same)}"] if same else []


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _rare(counts: Mapping[str, int], column: Column) -> list[str]:
    single = [name for name, count in counts.items() if count == 1]
    if not single or column.rows < _RARE_ROWS or len(single) > SHOWN:
        return []
    shown = ", ".join(repr(name[:60]) for name in single)
    return [f"classes of a single row: {shown}; --missing-label if that means no label"]


def _between_splits(tally: LabelTally, labelling: Labelling) -> list[str]:
    train = _names(tally, labelling, 0)
    remarks = []
    for code in (1, 2) if train else ():
        own = _names(tally, labelling, code)
        lacks = [name for name in labelling.schema.names if name in train - own]
        more = [name for name in labelling.schema.names if name in own - train]
        if own and lacks:
            remarks.append(f"{SPLITS[code]} has none of {_quoted(lacks)}")
        if more:
            remarks.append(f"train has none of {_quoted(more)}, which {SPLITS[code]} has")
    return remarks


def _unseen(labelling: Labelling) -> list[str]:
    """Remarks on labels of lists that train lacks, in rows that have other labels too."""
    remarks = []
    for code, counts in labelling.unseen.items():
        listed = _some([f"{name[:60]!r} {count:,}" for name, count in counts.items()])
        remarks.append(f"train has none of {listed} of {SPLITS[code]}, where they are left out")
    return remarks


def _names(tally: LabelTally, labelling: Labelling, code: int) -> set[str]:
    lost = labelling.lost.get(code, {})
    words = [word for word in tally.tally.count(code) if word not in lost]
    return {name for word in words for name in labelling.meaning.get(word, ())}


def _between_files(tally: LabelTally, labelling: Labelling, paths: Sequence[str]) -> list[str]:
    """Files of one split that lack some of its labels."""
    remarks = []
    for code, split in enumerate(SPLITS):
        split_labels = _names(tally, labelling, code)
        files = [(file, span) for (file, c), span in tally.tally.spans.items() if c == code]
        if len(files) < 2:
            continue
        for file, span in files:
            own = {n for word in span.words for n in labelling.meaning.get(word, ())}
            if lacks := [name for name in labelling.schema.names if name in split_labels - own]:
                remarks.append(f"{paths[file]} ({split}) has none of {_quoted(lacks)}")
    return [_some(remarks)] if remarks else []


def _quoted(names: Sequence[str]) -> str:
    return _some([repr(name[:60]) for name in names])


def _some(texts: Sequence[str]) -> str:
    return and_more(texts, SHOWN)
