"""How many sentences MR and SST share depends on what counts as the same sentence.

docs/signature.md explains the counts. The folder's own README says 7,852.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

from taskaff.core.records.data import RowBatch
from taskaff.stages.signature import row_hashes
from taskaff.stages.signature.sketches import SketchBuilder

pytestmark = pytest.mark.data


def texts(*paths: Path) -> pa.Array:
    tables = [csv.read_csv(path, convert_options=TEXT) for path in paths]
    return pa.concat_arrays([table["text"].combine_chunks() for table in tables])


TEXT = csv.ConvertOptions(column_types={"text": pa.string()}, strings_can_be_null=False)


@pytest.fixture(scope="module")
def mr(shared_data):
    return texts(shared_data / "sentiment/mr/data.csv")


@pytest.fixture(scope="module")
def sst(shared_data):
    return texts(*sorted((shared_data / "sentiment/sst").glob("*.csv")))


@pytest.fixture(scope="module")
def subj(shared_data):
    return texts(shared_data / "sentiment/subj/data.csv")


def hashes(column: pa.Array) -> np.ndarray:
    return row_hashes(RowBatch("f", "train", 0, (column,), None, None))


def test_counts_of_shared_rows(mr, sst):
    one, other = hashes(mr), hashes(sst)
    assert (len(one), len(other)) == (10_662, 9_613)
    assert len(np.intersect1d(one, other)) == 7_550
    assert np.isin(one, other).sum() == 7_552
    assert np.isin(other, one).sum() == 7_553


def test_the_published_count_is_another_normal_form(mr, sst):
    """ASCII letters and digits only, and only sentences with more than 12 of them."""

    def forms(column: pa.Array) -> set[str]:
        plain = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in column.to_pylist())
        return {text for text in plain if len(text) > 12}

    assert len(forms(mr) & forms(sst)) == 7_852


def test_letters_alone_would_find_more(mr, sst):
    """The normal form before brackets and signs were kept."""
    import unicodedata

    def forms(column: pa.Array) -> set[str]:
        lower = (unicodedata.normalize("NFKC", text).lower() for text in column.to_pylist())
        return {"".join(c for c in t if unicodedata.category(c)[0] in "LN") for t in lower}

    assert len(forms(mr) & forms(sst)) == 7_891


def test_byte_for_byte_hides_half_of_them(mr, sst):
    assert len(set(mr.to_pylist()) & set(sst.to_pylist())) == 4_362


def test_the_other_counts(mr, sst, subj):
    assert len(np.intersect1d(hashes(mr), hashes(subj))) == 4_177
    assert len(np.intersect1d(hashes(sst), hashes(subj))) == 2_881


def test_hashes_do_not_collide_on_real_text(mr, sst, subj):
    from taskaff.stages.signature.text_normalization import normal_forms

    column = pa.concat_arrays([mr, sst, subj])
    assert len(np.unique(hashes(column))) == len(set(normal_forms(column)))


def test_a_small_sketch_estimates_them(mr, sst, subj):
    column = pa.concat_arrays([mr, sst, subj])
    found, builder = hashes(column), SketchBuilder(1000)
    builder.add(found)
    assert builder.sketch().distinct == pytest.approx(len(np.unique(found)), rel=0.08)


def test_marked_entities_keep_rows_apart(shared_data):
    """Its rows differ in what stands in ``<< >>`` and ``[[ ]]``, and in label."""
    column = texts(shared_data / "calibration/chemprot_relation/train.csv")
    assert len(column) == 4_119
    assert len(np.unique(hashes(column))) == 4_119
