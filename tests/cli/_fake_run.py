"""Runs the real command line on a fake pipeline; what happens is said by the sources' names.

``python _fake_run.py score pass fail`` takes the worst of its data sets as the result. A file and
not a fixture, because exit codes are only real in a process of their own.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import types

from taskaff.core.errors import DataError, Place, SignatureError
from taskaff.core.records.data import LabelSchema, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import PairTable, ScoreResult, TaskSummary
from taskaff.core.settings import Training

VALUES = {  # value, low, high of every pair
    "pass": (0.9, 0.8, 0.95),
    "fail": (0.2, 0.1, 0.3),
    "straddle": (0.6, 0.4, 0.8),
    "undefined": (float("nan"),) * 3,
    "bare": (0.2, float("nan"), float("nan")),
}


def act(source):
    if source == "bad":
        raise DataError(
            "cell \x1b[31m is not a number", task="bad", where=Place("bad.csv", row=3), hint="mend"
        )
    if source == "crash":
        raise ZeroDivisionError("no\x07 luck")
    if source == "eof":
        raise EOFError("ended early")
    if source == "exit":
        sys.exit(1)
    if source == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    if source == "slow":
        sys.stderr.write("ready\n")
        sys.stderr.flush()
        signal.pause()


def summary(name):
    return TaskSummary(
        name=name,
        rows=10,
        width=2,
        layout="single",
        schema=LabelSchema("none"),
        inputs=(),
        counts=EncodeCounts(),
        padded_from=None,
        duplicates=Estimate(0.0),
        split_leak=Estimate(0.0),
    )


def table(name, directed, cells):
    import numpy as np

    k = len(cells)
    arrays = [np.full((k, k), np.nan) for _ in range(3)]
    for i in range(k):
        for j in range(k):
            chosen = VALUES.get(cells[j] if directed else cells[max(i, j)], VALUES["pass"])
            for array, number in zip(arrays, chosen, strict=True):
                array[i, j] = number
    return PairTable(name, directed, *arrays)


def score(sources, settings=None, progress=None):
    for request in sources:
        act(request.source)
    if progress:
        progress("embed", str(sources[0].source), 5, 10)
    kinds = [request.source for request in sources]
    tables = {
        "covariance_alignment": table("covariance_alignment", False, kinds),
        "source_gain": table("source_gain", True, kinds),
    }
    return ScoreResult(
        tasks=tuple(summary(request.name or str(request.source)) for request in sources),
        encoder=EncoderCard("fake", "f", 2),
        tables=tables,
        capacity=None,
        weights=(),
        settings=settings.score,
        environment={"encoder": settings.encoder, "cache": settings.cache_mode},
    )


def inspect(request):
    act(request.source)
    return TaskInfo(
        name=request.name or str(request.source),
        files=(),
        layout="single",
        text_columns=request.text or ("text",),
        schema=LabelSchema("none", columns=request.label or ()),
        rows={"train": 3},
        dialect={"delimiter": request.delimiter or ",", "format": request.format or ""},
    )


@dataclasses.dataclass(frozen=True)
class Signature:
    name: str
    rows: int = 10


def profile(request, settings=None, progress=None):
    act(request.source)
    return Signature(request.name or str(request.source))


def merge(paths, name=None):
    act(str(paths[0].stem))
    return Signature(name or paths[0].stem)


def save(signature, path):
    if signature.name == "unwritable":
        raise SignatureError("No space left on device", hint="make room")
    path.write_text(signature.name)


def fake_modules():
    """One fake a verb, and those of the functions that write signatures and plan a training."""
    fakes = {}
    for verb in (score, inspect, profile, merge):
        name = f"taskaff.pipeline.{verb.__name__}"
        fakes[name] = types.ModuleType(name)
        setattr(fakes[name], verb.__name__, verb)
    signature = types.ModuleType("taskaff.stages.signature")
    signature.save = save
    prediction = types.ModuleType("taskaff.pipeline.prediction")
    prediction.training_of = lambda probe: Training(target_rows=probe.target_rows)
    return {**fakes, "taskaff.stages.signature": signature, prediction.__name__: prediction}


if __name__ == "__main__":
    sys.modules.update(fake_modules())
    from taskaff.cli import main

    main()
