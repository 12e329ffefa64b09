"""A small atlas whose gains follow a known rule, and features to ask it about."""

from __future__ import annotations

import numpy as np

from taskaff.stages.predict import atlas, features

NAMES = tuple(f"set{n}" for n in range(20))


def features_of(random, source_gain=None):
    """Stored features of one pair."""
    found = {name: float(random.normal()) for name in features.SCORES}
    found |= {"overlap": 0.0}
    for role in ("source", "target"):
        found |= {f"{role}_{name}": float(random.uniform(0.1, 1.0)) for name in features.FACTS}
        found |= {
            f"{role}_known": float(random.integers(100, 5000)),
            f"{role}_columns": float(random.integers(2, 8)),
            f"{role}_regression": 0.0,
            f"{role}_pair": 0.0,
            f"{role}_tokens": float(random.uniform(5, 50)),
            f"{role}_unknown": 0.01,
        }
    found |= {"width": 50.0, "r": 16.0, "target_rows": 300.0, "source_rows": 4000.0, "relu": 0.0}
    if source_gain is not None:
        found["source_gain"] = source_gain
    return found


def rows(seed=0, noise=0.003):
    """Gains that follow the source gain, with noise that the standard errors know of."""
    random = np.random.default_rng(seed)
    for source in NAMES:
        for target in NAMES:
            if source == target:
                continue
            known = features_of(random)
            yield {
                "source": source,
                "target": target,
                "encoder": "glove",
                "trunk": "linear",
                "view": "full",
                "metric": "accuracy",
                "gain": 0.03 * known["source_gain"] + noise * random.normal(),
                "stderr": noise,
                "seeds": 5,
                "first": 0.03 * known["source_gain"] + 2 * noise * random.normal(),
                **known,
            }


def table(seed=0):
    """The atlas of ``rows``."""
    return atlas.table_of(list(rows(seed)))
