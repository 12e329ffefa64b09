"""Deterministic property tests, and the shared data sets when they are at hand."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

# Tests run side by side; threads of their own would only wait for each other (before NumPy, torch).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from taskaff.core.records.embedding import Encoder
    from taskaff.stages.predict.model import Model

# Nothing depends on how fast the machine is: no deadlines, and data may take its time to draw.
ALWAYS_THE_SAME = settings(
    derandomize=True,
    deadline=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("taskaff", ALWAYS_THE_SAME, max_examples=30)
settings.register_profile("thorough", ALWAYS_THE_SAME, max_examples=200)
settings.load_profile("taskaff")


@pytest.fixture(scope="session", autouse=True)
def small_fit(tmp_path_factory):
    """In this process the shipped atlas gives a small predictor, fitted once on a few of its rows.

    The whole one takes half a minute; commands in processes of their own have it.
    """
    from taskaff.pipeline import prediction
    from taskaff.stages.predict import fit

    model, whole = prediction._model, fit.fit
    cache = tmp_path_factory.mktemp("predictor")

    def small(table: pa.Table) -> Model:
        rows = np.arange(0, table.num_rows, max(1, table.num_rows // 2000))
        return whole(table.take(rows), trees=6, blocks=2)

    def small_model(atlases: tuple[Path, ...], key: str, cache_dir: Path | None) -> Model:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fit, "fit", small)
            shipped = atlases == (prediction.SHIPPED,)
            return model(atlases, key, cache if shipped else cache_dir)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "_model", small_model)
        yield


@cache
def once(open_encoder: Callable[[Path], Encoder]) -> Callable[[Path], Encoder]:
    """The same encoder for all tests of a process."""
    return cache(open_encoder)


@contextmanager
def opened_once() -> Iterator[None]:
    """The default word vectors are opened once in a process, not once a command."""
    from taskaff.stages.embed import glove

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glove, "open_default", once(glove.open_default))
        yield


@contextmanager
def large_strides() -> Iterator[None]:
    """``moment_gain`` takes its training in few large strides; half of the time to score else."""
    from taskaff.stages.score import moment_training

    with opened_once(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment_training, "GROWTH", 1.0)
        patch.setattr(moment_training, "STRIDE", 400)
        yield


@pytest.fixture
def glove_once():
    with opened_once():
        yield


@pytest.fixture
def quick_scores():
    with large_strides():
        yield


@pytest.fixture(scope="module")
def quick_module():
    """Of a module whose fixtures score as well."""
    with large_strides():
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped without it."""
    root = os.environ.get("TASKAFF_DATA")
    if not root:
        pytest.skip("TASKAFF_DATA is not set: the real data sets are not at hand")
    return Path(root).resolve()


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """Folder of a tiny BERT; not to be changed."""
    import tiny_models

    return tiny_models.bert(tmp_path_factory.mktemp("models") / "tiny")
