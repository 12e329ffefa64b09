"""Fit the predictor on an atlas, with scikit-learn, and calibrate it on data sets it has not seen.

Errors of pairs are correlated through their data sets. So data sets are divided into blocks, and a
pair of blocks is predicted by a model that was fitted without any pair that touches either: the
residuals are those of two new data sets, which is what a user has. A pair that was measured in
several set-ups, or is known in several views, stays on one side with all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import PredictError
from taskaff.core.parallel import ordered_map
from taskaff.stages.predict import atlas, design_matrix
from taskaff.stages.predict.forest import from_trees
from taskaff.stages.predict.model import FOLLOWED as COLUMN
from taskaff.stages.predict.model import UNIT, Model, squash

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.arrays import Floats

BLOCKS = 4
TREES, SCALE_TREES = 100, 30
SCALE_BLOCKS = 3
LEAF = 10
"""Fewest pairs of a leaf."""
SHARE_OF_COLUMNS = 0.4
TARGET_LEAF = 4
"""Fewest targets of a leaf, each counted in every set-up and view: there are few."""
USUAL = 1.0
"""Weight, in pairs, of the mean of a set-up in the mean gain of a target: one pair is no mean."""
RIDGE = 100.0
FOREST = 0.8
"""Share of the forest against the ridge regression."""
FOLLOWED = 0.3
"""Share of ``features.FOLLOWED`` against what was learned."""
LEVEL = (*design_matrix.SETUP, "target_rows")
LEVELS = 20
"""Columns that predict the error of ``features.FOLLOWED``, and the maximum number of its values."""
SHARED = 0.02
"""Share of common rows from which two data sets are never on both sides of a fold."""
QUANTILES = 401
LEAST = 60
"""Fewest pairs of an atlas."""
PRIOR_SEEDS = 4
"""Weight of the target's usual deviation over seeds in that of a pair, in seeds."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Arrays of an atlas for the fit: ``n`` rows, ``q`` columns."""

    X: Floats
    z: Floats
    error: Floats
    """Standard error of ``z`` over seeds."""
    weight: Floats
    source: np.ndarray
    target: np.ndarray
    setup: np.ndarray
    """Number of each row's set-up: encoder, trunk, recipe, capacity, rows."""
    of_target: np.ndarray
    """``(q,)`` whether a column says nothing of the source."""
    family: Mapping[str, str]
    """Family of each data set: data sets that share rows have one name."""
    encoders: np.ndarray
    trunks: np.ndarray

    def at(self, rows: np.ndarray) -> Data:
        """Some rows."""
        names = ("X", "z", "error", "weight", "source", "target", "setup")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def data_of(table: pa.Table) -> Data:
    """Arrays for the fit from an atlas; pairs without a measured gain are left out.

    Raises
    ------
    PredictError : too few pairs to fit anything.
    """
    known = np.isfinite(np.asarray(table["gain"].to_numpy(), dtype=np.float64))
    table = table.filter(known)
    if table.num_rows < LEAST:
        raise PredictError(
            f"an atlas of {table.num_rows} measured pairs; a prediction needs {LEAST}",
            hint="measure more data sets: taskaff atlas build FOLDER -o atlas.parquet",
        )
    numbers = atlas.columns(table)
    gain = numbers["gain"]
    error = seed_errors(table, numbers) / np.sqrt(gain**2 + UNIT**2)
    source, target = atlas.words(table, "source"), atlas.words(table, "target")
    setup = _setups(table)
    typical = float(np.median(error))
    weight = 1.0 / (1.0 + (error / max(typical, 1e-9)) ** 2)
    return Data(
        X=design_matrix.matrix(numbers),
        z=squash(gain),
        error=error,
        weight=weight / _repeats(setup, source, target),
        source=source,
        target=target,
        setup=setup,
        of_target=np.isin(design_matrix.NAMES, design_matrix.TARGET),
        family=families(
            source, target, numbers.get("overlap", np.full(len(gain), np.nan)), _told(table)
        ),
        encoders=np.unique(atlas.words(table, "encoder")).astype(str),
        trunks=np.unique(atlas.words(table, "trunk")).astype(str),
    )


def seed_errors(table: pa.Table, numbers: dict[str, Floats]) -> Floats:
    """Standard error of each gain; few seeds borrow the usual deviation of the target's pairs."""
    n, given = numbers["seeds"], numbers["stderr"]
    variance = np.where(n > 1, given**2 * n, np.nan)
    known = np.isfinite(variance)
    usual = float(np.median(variance[known])) if known.any() else UNIT**2
    common = np.full(len(n), usual)
    target = atlas.words(table, "target")
    for name in np.unique(target):
        rows = target == name
        if (rows & known).any():
            common[rows] = np.median(variance[rows & known])
    own = np.where(known, variance, common)
    pooled = ((n - 1) * own + PRIOR_SEEDS * common) / (n - 1 + PRIOR_SEEDS)
    return np.asarray(np.sqrt(pooled / n))


def _numbered(*columns: Iterable[object]) -> np.ndarray:
    """Number rows so that rows with equal values in all columns have one number."""
    known: dict[tuple[object, ...], int] = {}
    return np.array([known.setdefault(row, len(known)) for row in zip(*columns, strict=True)])


def _setups(table: pa.Table) -> np.ndarray:
    names = ("encoder", "trunk", "recipe", "target_rows", "r")
    return _numbered(*(table[name].to_pylist() for name in names if name in table.column_names))


def _repeats(setup: np.ndarray, source: np.ndarray, target: np.ndarray) -> Floats:
    """Number of rows (views) that share each row's measurement, ``(n,)``."""
    which = _numbered(source, target, setup)
    return np.asarray(np.bincount(which)[which], dtype=np.float64)


def _told(table: pa.Table) -> dict[str, str]:
    """Families that an atlas states, since it need not have the pairs that share rows."""
    family_of: dict[str, str] = {}
    for role in ("source", "target"):
        if f"{role}_family" in table.column_names:
            each = zip(table[role].to_pylist(), table[f"{role}_family"].to_pylist(), strict=True)
            family_of |= {name: family for name, family in each if family}
    return family_of


def families(
    source: np.ndarray, target: np.ndarray, overlap: Floats, told: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A name for each data set, the same for those that share rows, directly or through others."""
    told = told or {}
    parent = {name: name for name in dict.fromkeys([*source, *target, *told, *told.values()])}

    def first(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    rows = np.flatnonzero(overlap > SHARED)
    for pair in [*zip(source[rows], target[rows], strict=True), *told.items()]:
        one, other = sorted(map(first, pair))
        parent[other] = one
    return {name: first(name) for name in parent}


def folds(data: Data, blocks: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows to predict, so that no data set is on both sides."""
    block = _blocks(data, blocks, seed)
    source = np.array([block[name] for name in data.source])
    target = np.array([block[name] for name in data.target])
    for i in range(blocks):
        for j in range(i, blocks):
            held = ((source == i) & (target == j)) | ((source == j) & (target == i))
            fitted = ~(np.isin(source, (i, j)) | np.isin(target, (i, j)))
            if held.any() and fitted.sum() >= LEAF:
                yield np.flatnonzero(fitted), np.flatnonzero(held)


def _blocks(data: Data, blocks: int, seed: int) -> dict[str, int]:
    """A block for each data set, families together, the largest first into the emptiest block."""
    names = np.unique(np.concatenate([data.source, data.target]))
    members: dict[str, list[str]] = {}
    for name in names[np.random.default_rng(seed).permutation(len(names))]:
        members.setdefault(data.family[name], []).append(name)
    if len(members) < blocks:  # nothing could be predicted: sharing rows has to be put up with
        members = {name: [name] for name in names}
    sizes = [0] * blocks
    block_of: dict[str, int] = {}
    for family in sorted(members.values(), key=len, reverse=True):
        block = sizes.index(min(sizes))
        sizes[block] += len(family)
        block_of |= dict.fromkeys(family, block)
    return block_of


def fit(table: pa.Table, trees: int = TREES, blocks: int = BLOCKS) -> Model:
    """The predictor of an atlas: centre, local scale, and the shape of what it does not explain."""
    data = data_of(table)
    out = out_of_fold(data, max(trees // 3, 1), blocks)
    seen = np.isfinite(out)
    return calibrated(centre(data, trees), data.at(np.flatnonzero(seen)), out[seen])


def out_of_fold(data: Data, trees: int, blocks: int) -> Floats:
    """``(n,)`` ``z`` predicted by models that saw neither data set; NaN where there was none."""
    predicted = np.full(len(data.z), np.nan)
    for fitted, held in folds(data, blocks):
        predicted[held] = centre(data.at(fitted), trees).z(data.X[held])
    return predicted


def centre(data: Data, trees: int) -> Model:
    """The effects of targets and the rest; scale and residuals are still those of nothing."""
    X = data.X
    with np.errstate(invalid="ignore"):
        known = np.isfinite(X).any(axis=0)
        typical = np.where(known, np.nanmedian(np.where(known, X, 0.0), axis=0), 0.0)
        low = np.where(known, np.nanmin(np.where(known, X, 0.0), axis=0), 0.0)
        high = np.where(known, np.nanmax(np.where(known, X, 0.0), axis=0), 0.0)
    filled = np.where(np.isfinite(X), X, typical)
    deviation = filled.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    mean = filled.mean(axis=0)
    usual = target_effects(data)
    rest = data.z - usual
    slope, level = _followed(filled, data, trees)
    return Model(
        target=_target_forest(filled, usual, data, trees),
        centre=_forest(filled, rest, data.weight, trees, LEAF, SHARE_OF_COLUMNS),
        level=level,
        spread=_constant(0.0),
        typical=typical,
        low=low,
        high=high,
        mean=mean,
        deviation=deviation,
        weights=_ridge((filled - mean) / deviation, rest, data),
        mix=np.array([FOREST]),
        followed=np.array([slope, FOLLOWED]),
        residuals=np.zeros(1),
        encoders=data.encoders,
        trunks=data.trunks,
    )


def _followed(X: Floats, data: Data, trees: int) -> tuple[float, Any]:
    """Scale of ``FOLLOWED`` from pairs of one set-up, and what it is then off by in each."""
    known = np.isfinite(data.X[:, COLUMN])
    if not known.any():
        return 0.0, _constant(0.0)
    data, X = data.at(np.flatnonzero(known)), X[known]
    m, weight = squash(X[:, COLUMN]), data.weight
    total = np.bincount(data.setup, weight)
    inside = m - (np.bincount(data.setup, weight * m) / np.maximum(total, 1e-300))[data.setup]
    slope = float(weight @ (inside * data.z) / max(float(weight @ inside**2), 1e-12))
    setup = np.where(np.isin(design_matrix.NAMES, LEVEL), X, 0.0)
    off = data.z - slope * m
    return slope, _forest(setup, off, weight, trees, max(LEAF, len(m) // LEVELS), 1.0)


def _target_forest(X: Floats, usual: Floats, data: Data, trees: int) -> Any:
    """One row for each target as it is known in a set-up, with the weight of all its pairs."""
    # Columns of the source made constant, so that no split can be on them.
    alone = np.where(data.of_target, X, 0.0)
    rows, which = np.unique(alone, axis=0, return_inverse=True)
    weight = np.asarray(np.bincount(which, data.weight), dtype=np.float64)
    mean = np.bincount(which, data.weight * usual) / weight
    return _forest(rows, mean, weight, trees, TARGET_LEAF, 1.0)


def target_effects(data: Data) -> Floats:
    """``(n,)`` mean ``z`` of the pairs of each row's target in its set-up."""
    which = _numbered(data.target, data.setup)
    weight, every = np.bincount(which, data.weight), np.bincount(data.setup, data.weight)
    common = np.bincount(data.setup, data.weight * data.z) / np.maximum(every, 1e-300)
    of_setup = np.empty(len(weight))
    of_setup[which] = common[data.setup]
    total = np.bincount(which, data.weight * data.z) + USUAL * of_setup
    return np.asarray((total / (weight + USUAL))[which])


def calibrated(model: Model, data: Data, predicted: Floats) -> Model:
    """The model with scale and residuals from predictions of unseen data sets.

    A gain measured with few seeds has a larger residual than the model is to blame for: residuals
    are shrunk to what they would be with the atlas's typical error.
    """
    residual = data.z - predicted
    total = float(np.average(residual**2, weights=data.weight))
    usual = float(np.median(data.error)) ** 2
    own = max(total - float(np.average(data.error**2, weights=data.weight)), 0.1 * total)
    residual = residual * np.sqrt((own + usual) / (own + data.error**2))
    filled = model.filled(data.X)
    size = np.log(np.abs(residual) + 0.05)
    spread = _forest(filled, size, data.weight, SCALE_TREES, 6 * LEAF, SHARE_OF_COLUMNS)
    # The scale must be as blind to a pair's data sets as the residual that it divides.
    standard = residual / np.exp(spread(filled))
    for fitted, held in folds(data, SCALE_BLOCKS, seed=1):
        inside = (filled[fitted], size[fitted], data.weight[fitted])
        blind = _forest(*inside, SCALE_TREES // 2, 6 * LEAF, SHARE_OF_COLUMNS)
        standard[held] = residual[held] / np.exp(blind(filled[held]))
    order = np.argsort(standard)
    share = np.cumsum(data.weight[order])
    share = (share - data.weight[order] / 2) / share[-1]
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    quantiles = np.interp(levels, share, standard[order])
    return replace(model, spread=spread, residuals=quantiles)


def _forest(X: Floats, y: Floats, weight: Floats, trees: int, leaf: int, columns: float) -> Any:
    """Extremely randomised trees, grown side by side.

    sklearn's own threads change the process's warning filters under one another's feet, and then
    warn at random; it gives its trees these seeds too.
    """
    from sklearn.tree import ExtraTreeRegressor

    X32, draws = X.astype(np.float32), np.random.RandomState(0)
    seeds = [draws.randint(np.iinfo(np.int32).max) for _ in range(trees)]

    def grown(seed: int) -> ExtraTreeRegressor:
        tree = ExtraTreeRegressor(min_samples_leaf=leaf, max_features=columns, random_state=seed)
        return tree.fit(X32, y, sample_weight=weight)

    return from_trees(list(ordered_map(grown, seeds)))


def _constant(value: float) -> Any:
    from taskaff.stages.predict.forest import Forest

    zero = np.zeros(1, np.int32)
    return Forest(zero, zero, np.zeros(1), zero, zero, np.full(1, value))


def _ridge(X: Floats, y: Floats, data: Data) -> Floats:
    """Weights ``(q,)`` from differences between the sources of one target in one set-up."""
    from sklearn.linear_model import Ridge

    which, weight = _numbered(data.target, data.setup), data.weight
    total = np.bincount(which, weight)
    inside = X - np.stack([np.bincount(which, weight * x) / total for x in X.T], axis=1)[which]
    regression = Ridge(alpha=RIDGE, fit_intercept=False).fit(
        inside, y, sample_weight=weight / weight.mean()
    )
    return np.asarray(regression.coef_)
