"""Results of every awkward kind, built without the scoring stage."""

from __future__ import annotations

import numpy as np

from taskaff.core.records.data import InputFile, LabelSchema, Reject, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import (
    Capacity,
    CapacityPoint,
    PairTable,
    ScoreResult,
    TaskSummary,
    TaskWeights,
)
from taskaff.core.settings import ScoreSettings

DIRECTED = {
    "covariance_similarity": False,
    "covariance_alignment": False,
    "mean_shift": False,
    "model_similarity": False,
    "head_energy_share": True,
    "model_similarity_metric": True,
    "head_energy_share_metric": True,
    "source_gain": True,
    "theorem2": True,
    "overlap": True,
}
HOSTILE = (
    "[red]x[/red]",
    "=cmd()",
    "a|b",
    "\x1b[31m",
    "::error::boom",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "x" * 300,
    "👩\u200d👩\u200d👧 emoji",
    "two\nlines\r\tand a tab",
    "\x9b31m",
    "##[error]old style",
    "`code` *bold* _it_ ~~no~~ @someone http://evil.example",
    "\udc80 lone surrogate",
    "# heading",
    '"quoted", comma',
    "",
    "\\",
    "a\\|b\\",
    "日本語のとても長いタスクの名前です",
    "'",
    "\u2028::error::after a line separator",
)


def table(name: str, k: int, rng: np.random.Generator) -> PairTable:
    directed = DIRECTED[name]
    value = rng.uniform(-0.02, 0.05, (k, k)) if name == "source_gain" else rng.random((k, k))
    if name == "mean_shift":
        value = value * 12
    notes: dict[tuple[int, int], str] = {}
    extras: dict[str, np.ndarray] = {}
    if name == "overlap":
        value = value * 0.01
        extras = {"shared": np.round(value * 5000), "leak": np.round(value * 100)}
    if name.startswith(("model_", "head_")):
        extras = {"chance": value * 0.3, "excess": value * 0.7}
    half = rng.uniform(0.01, 0.04, (k, k)) * np.abs(value)
    if name == "theorem2":
        value = np.where(value < 0.3, np.nan, value)
        half = np.full((k, k), np.nan)
        words = (
            "met",
            "not met: the order of {:.1e} source rows asked, 800 there",
            "vacuous: {:.2f}",
        )
        cells = [(i, j) for i in range(k) for j in range(k) if i != j]
        notes = {(i, j): words[(i + j) % 3].format(7.5e9 * i + j) for i, j in cells}
        extras = {"sine": value / 3, "rows_asked": value * 1e10, "rows_have": np.full((k, k), 1000)}
    if not directed:
        value, half = (np.triu(x, 1) + np.triu(x, 1).T for x in (value, half))
        np.fill_diagonal(value, 1.0)
        extras = {key: np.triu(x, 1) + np.triu(x, 1).T for key, x in extras.items()}
    explain = (
        f"{name} says how much the two tasks have in common: 1 means the same, 0 nothing at all; "
        "higher values make it likelier that one helps the other."
    )
    return PairTable(name, directed, value, value - half, value + half, explain, notes, extras)


def summary(name: str, i: int = 0, kind: str = "classes") -> TaskSummary:
    labels = ("neg", "pos") if kind != "none" else ()
    return TaskSummary(
        name=name,
        rows=1000 + 731 * i,
        width=50,
        layout="single",
        schema=LabelSchema(kind, labels, ("label",) if labels else ()),  # type: ignore[arg-type]
        inputs=(InputFile(f"data/{name}.csv", "csv", "train", 1000 + 731 * i, 4096, "ab" * 32, i),),
        counts=EncodeCounts(20_000 + i, 400 + 17 * i, 0, i),
        padded_from=None,
        duplicates=Estimate(12.0 * i),
        split_leak=Estimate(None, note="one split only"),
        notes=(),
    )


def result(
    names: tuple[str, ...],
    *,
    scores: tuple[str, ...] = tuple(DIRECTED),
    seed: int = 0,
    kind: str = "classes",
    undefined: str = "",
) -> ScoreResult:
    """Random tables over ``names``; ``undefined`` is the note of a share of undefined entries."""
    k = len(names)
    rng = np.random.default_rng(seed)
    tables = {name: table(name, k, rng) for name in scores}
    if undefined:
        for each in tables.values():
            holes = rng.random((k, k)) < 0.4
            holes = holes if each.directed else holes | holes.T
            for array in (each.value, each.low, each.high):
                array[holes] = np.nan
            notes = {(int(i), int(j)): undefined for i, j in np.argwhere(holes) if i != j}
            tables[each.name] = PairTable(
                each.name,
                each.directed,
                each.value,
                each.low,
                each.high,
                each.explain,
                {**each.notes, **notes},
                each.extras,
            )
    curve = tuple(CapacityPoint(r, 0.6 + 0.4 / r, 0.01) for r in range(1, 9))
    return ScoreResult(
        tasks=tuple(summary(name, i, kind) for i, name in enumerate(names)),
        encoder=EncoderCard("glove", "f" * 64, 50, "1.0.0"),
        tables=tables,
        capacity=Capacity(3, curve, {name: 2 for name in names}, 2 * k),
        weights=(TaskWeights(names[:2], (0.9, 1.1), 2),) if k > 1 else (),
        settings=ScoreSettings(),
        notes=("single texts are padded with zeros to the width of text pairs",),
        environment={"taskaff": "0.1.0", "python": "3.11"},
        timings={"scan": 0.123456, "embed": 1.5},
    )


def names(k: int) -> tuple[str, ...]:
    known = ("mr", "cr", "sst", "subj", "mpqa", "trec", "imdb")
    return known[:k] if k <= len(known) else tuple(f"reviews-{i:03d}" for i in range(k))


def inspection(name: str = "mr", **changes: object) -> TaskInfo:
    fields: dict[str, object] = {
        "name": name,
        "files": (
            InputFile("data/mr/train.csv", "csv", "train", 900, 65536, "ab" * 32, 2),
            InputFile("data/mr/test.csv", "csv", "test", 100, 8192, "cd" * 32, 0),
        ),
        "layout": "single",
        "text_columns": ("text",),
        "schema": LabelSchema("classes", tuple(f"c{i}" for i in range(14)), ("label",)),
        "rows": {"train": 900, "test": 100},
        "label_counts": {f"c{i}": 100 - i for i in range(14)},
        "dialect": {"delimiter": ",", "encoding": "utf-8"},
        "rejects": (Reject("data/mr/train.csv", 17, "3 cells where the header has 2"),),
        "columns": ("id", "text", "label"),
        "notes": ("column 'id' is not used",),
    }
    return TaskInfo(**(fields | changes))  # type: ignore[arg-type]


def hostile_inspection() -> TaskInfo:
    files = tuple(InputFile(t, t, "train", 1, 1, "00" * 32, 1) for t in HOSTILE)
    return inspection(
        HOSTILE[3],
        files=files,
        text_columns=HOSTILE,
        columns=HOSTILE,
        schema=LabelSchema("classes", HOSTILE, HOSTILE[:1]),
        label_counts={t: i for i, t in enumerate(HOSTILE)},
        dialect={t: t for t in HOSTILE},
        rejects=tuple(Reject(t, 3, t) for t in HOSTILE),
        notes=HOSTILE,
    )


ZOO = {
    "two": result(names(2)),
    "seven": result(names(7)),
    "thirty": result(names(30)),
    "undefined": result(names(4), undefined="only 7 rows, at least 10 are needed"),
    "unlabelled": result(names(3), kind="none", scores=("covariance_alignment", "overlap")),
    "hostile": result(HOSTILE[:9]),
    "hostile-many": result(HOSTILE, undefined=HOSTILE[3] + HOSTILE[5] + "\n::error::x"),
    "hostile-notes": result(("a", "b"), undefined="\n::error::a|b <b> \x1b[31m [red]"),
    "no-scores": result(names(3), scores=()),
    "one": result(("alone",)),
    "none": result(()),
    "inspect": inspection(),
    "inspect-bare": inspection(
        files=(), rows={}, label_counts={}, rejects=(), notes=(), columns=(), dialect={}
    ),
    "inspect-hostile": hostile_inspection(),
}
