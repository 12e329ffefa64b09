"""The paper's synthetic tasks (W sections 2.3, B.1, B.4), as a data source.

``synthetic:linear?task=3&rows=2000&seed=1`` names one task; see ``PARAMETERS``. As printed,
``X_i = R_i Q_i D_i``: a Gaussian ``R_i`` keeps its law under the rotation ``Q_i``, so that the
covariance is ``D_i^2`` whatever ``Q_i`` is, and tasks differ in it by their ``D_i`` alone.
``rotate=after`` gives ``X_i = R_i D_i Q_i``, where the rotation does change the covariance,
``Q_i' D_i^2 Q_i``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import parse_qsl

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.records.data import SPLITS, LabelSchema
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.registry import closest

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Hashes

PREFIX = "synthetic:"
Model = Literal["linear", "logistic", "relu", "relu-logistic", "rank", "rank-logistic"]
MODELS: tuple[str, ...] = get_args(Model)


@dataclass(frozen=True, slots=True)
class SyntheticSpec:
    """One synthetic task. Tasks of one ``seed`` belong together: 1 is the target."""

    model: Model = "linear"
    """How labels come about: ``y = X theta``, its sign (the paper's sigmoid, cut at 0.5),
    ``ReLU(X theta)``, whether that exceeds its median, ``rank``: ``ReLU(X Theta) e``, or whether
    that exceeds its median."""
    task: int = 1
    """1 target; 2 source with its covariance; 3 source with another (W Figure 3)."""
    rows: int = 10_000
    d: int = 100
    kappa: float = 100.0
    """Entries of ``D_i`` on its ``d/10`` coordinates; 1 on the others."""
    cosine: float = 0.96
    """``cos(theta_1, theta_i)``; with ``rank``, W's ``alpha`` in ``alpha Theta_1 + (1 - alpha)
    Theta_0``, whose columns make the angle ``alpha / sqrt(alpha^2 + (1 - alpha)^2)``."""
    r: int = 10
    """Columns of ``Theta`` (``rank`` and ``rank-logistic``)."""
    noise: float = 0.0
    """Standard deviation of the noise, relative to that of the noiseless label."""
    rotate: Literal["before", "after"] = "before"
    seed: int = 0
    train: float = 0.9
    """Share of training rows (W B.1: 9,000 of 10,000); the others are the test rows."""


PARAMETERS = tuple(field.name for field in fields(SyntheticSpec) if field.name != "model")


def synthetic_task(spec: str | SyntheticSpec, name: str | None = None) -> TaskVectors:
    """Draw a task. A longer one of the same seed begins with the vectors of a shorter one.

    Raises
    ------
    UsageError : a spec that does not parse.
    """
    if isinstance(spec, str):
        spec = parse_spec(spec)
    theta = _theta(spec)
    X = _covariates(spec)
    clean = X @ theta
    if spec.model not in ("linear", "logistic"):
        clean = np.maximum(clean, 0.0)
    clean = clean.sum(axis=1)
    noise = _generator(spec, "noise", spec.task).standard_normal(spec.rows)
    y = clean + spec.noise * float(clean.std()) * noise
    labels, schema = _labels(spec, y)
    X32 = X.astype(np.float32)
    cut = round(spec.train * spec.rows)
    splits = np.where(np.arange(spec.rows) < cut, SPLITS.index("train"), SPLITS.index("test"))
    name = name or f"{spec.model}-{spec.task}"
    return TaskVectors(name, X32, labels, row_ids(X32), splits.astype(np.int64), schema)


def parse_spec(text: str) -> SyntheticSpec:
    """``synthetic:MODEL?key=value&...`` to a spec; unknown keys and bad values say what is known.

    Raises
    ------
    UsageError : an unknown model or key, or a value that is no number or out of range.
    """
    model, _, query = text.removeprefix(PREFIX).partition("?")
    if model not in MODELS:
        raise UsageError(f"unknown synthetic task {model!r}", hint=f"known: {', '.join(MODELS)}")
    try:
        pairs = dict(parse_qsl(query, strict_parsing=True, keep_blank_values=True)) if query else {}
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}", hint="write ?key=value&key=value") from error
    return _checked(_built(model, pairs), text)


def _built(model: str, pairs: Mapping[str, str]) -> SyntheticSpec:
    defaults = SyntheticSpec()
    values: dict[str, object] = {"model": model}
    for key, value in pairs.items():
        if key not in PARAMETERS:
            near = closest(key, PARAMETERS)
            hint = f"did you mean {near!r}? " if near else ""
            raise UsageError(
                f"unknown parameter {key!r} of a synthetic task",
                hint=f"{hint}known: {', '.join(PARAMETERS)}",
            )
        try:
            values[key] = type(getattr(defaults, key))(value)
        except ValueError as error:
            raise UsageError(f"{key}={value!r} is not a number") from error
    return SyntheticSpec(**values)  # type: ignore[arg-type]


def _checked(spec: SyntheticSpec, text: str) -> SyntheticSpec:
    ranges = {
        "task": spec.task >= 1,
        "rows": 1 <= spec.rows <= 10_000_000,
        "d": 10 <= spec.d <= 10_000,
        "kappa": 0 < spec.kappa < 1e6,
        "cosine": -1 <= spec.cosine <= 1,
        "r": 1 <= spec.r <= spec.d // 2,
        "noise": 0 <= spec.noise < 1e6,
        "rotate": spec.rotate in ("before", "after"),
        "seed": spec.seed >= 0,
        "train": 0 < spec.train <= 1,
    }
    wrong = [name for name, good in ranges.items() if not good]
    if wrong:
        values = ", ".join(f"{name}={getattr(spec, name)}" for name in wrong)
        raise UsageError(f"{text!r}: out of range: {values}")
    return spec


def _generator(spec: SyntheticSpec, *names: object) -> np.random.Generator:
    """A stream that depends on the seed, the width and the names only."""
    text = "/".join(map(str, (spec.seed, spec.d, *names)))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def _ranked(spec: SyntheticSpec) -> bool:
    return spec.model.startswith("rank")


def _covariates(spec: SyntheticSpec) -> Floats:
    """``R_i Q_i D_i``. Tasks 1 and 2 share ``Q_1 D_1``; every other one has ``Q_2 D_2``."""
    gaussian = _generator(spec, "rows", spec.task).standard_normal((spec.rows, spec.d))
    family = 1 if spec.task <= 2 else 2
    rotation = _orthonormal(_generator(spec, "rotation", family), spec.d, spec.d)
    coordinates = _generator(spec, "coordinates").permutation(spec.d)
    tenth = spec.d // 10
    scales = np.ones(spec.d)
    scales[coordinates[(family - 1) * tenth : family * tenth]] = spec.kappa
    if _ranked(spec):  # W B.4: plain Gaussian rows
        return gaussian
    after = spec.rotate == "after"
    X: Floats = (gaussian * scales) @ rotation if after else (gaussian @ rotation) * scales
    return X


def _theta(spec: SyntheticSpec) -> Floats:
    """``(d, 1)`` at the given cosine to that of task 1, or ``(d, r)`` with the models of rank."""
    columns = 2 * spec.r if _ranked(spec) else 1
    base = _orthonormal(_generator(spec, "theta"), spec.d, columns)
    if _ranked(spec):
        one, other = base[:, : spec.r], base[:, spec.r :]
        alpha = 1.0 if spec.task == 1 else spec.cosine
        mixed: Floats = alpha * one + (1 - alpha) * other
        return mixed
    if spec.task == 1:
        return base
    across = _generator(spec, "across", spec.task).standard_normal((spec.d, 1))
    across -= base * float((base * across).sum())
    across /= np.linalg.norm(across)
    turned: Floats = spec.cosine * base + np.sqrt(1 - spec.cosine**2) * across
    return turned


def _orthonormal(generator: np.random.Generator, rows: int, columns: int) -> Floats:
    """Orthonormal columns from a Gaussian matrix, signs fixed so that the law is uniform."""
    Q, R = np.linalg.qr(generator.standard_normal((rows, columns)))
    return np.asarray(Q * np.sign(np.diag(R)))


def _labels(spec: SyntheticSpec, y: Floats) -> tuple[np.ndarray, LabelSchema]:
    if spec.model in ("linear", "relu", "rank"):
        # Splits and seeds follow from the content, and the last bits from the processor.
        y = y.astype(np.float32).astype(np.float64)
        return y[:, None], LabelSchema("regression", ("y",), ("y",))
    cut = 0.0 if spec.model == "logistic" else np.median(y)
    return (y > cut).astype(np.int64), LabelSchema("classes", ("no", "yes"), ("y",))


def row_ids(X: np.ndarray) -> Hashes:
    """64-bit hashes of the rows' bytes, so that equal rows are seen as shared."""
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")
            for row in np.ascontiguousarray(X)
        ],
        dtype=np.uint64,
    )
