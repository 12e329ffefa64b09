"""Every Arrow type in every role: accepted, or an error that says what to do."""

from __future__ import annotations

import datetime
import decimal
import io
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stages.data._tables import opened, rows_of

from taskaff.core.errors import DataError
from taskaff.stages.data import roles
from taskaff.stages.data.plain import check_rows, plain_type

N = 12
WORDS = [f"w{i % 3}" for i in range(N)]
ONES = [i % 2 for i in range(N)]
DAY = datetime.date(2020, 1, 1)


def numbers(kind):
    return pa.array(ONES).cast(pa.float32()).cast(kind)


def rows(values, kind, size=-1):
    return pa.array([[v, v] for v in values], pa.list_(kind, size))


def union(mode):
    types, words, ints = pa.array([0] * N, pa.int8()), pa.array(WORDS), pa.array(ONES)
    if mode == "sparse":
        return pa.UnionArray.from_sparse(types, [words, ints])
    return pa.UnionArray.from_dense(types, pa.array(range(N), pa.int32()), [words, ints])


class Tag(pa.ExtensionType):
    """An extension type of a string, never registered."""

    def __init__(self, storage):
        super().__init__(storage, "test.tag")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, _):
        return cls(storage)


SCALARS = {
    "null": pa.nulls(N),
    "bool": pa.array([bool(i) for i in ONES]),
    **{str(k): pa.array(ONES, k) for k in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(k): pa.array(ONES, k) for k in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "half": pa.array(np.array(ONES, np.float16)),
    **{str(k): numbers(k) for k in (pa.float32(), pa.float64())},
    **{str(k): pa.array([decimal.Decimal(i) for i in ONES], k) for k in (
        pa.decimal128(5, 0), pa.decimal128(9, 2), pa.decimal256(40, 3))},
    **{str(k): pa.array([DAY] * N, k) for k in (pa.date32(), pa.date64())},
    **{str(k): pa.array([5] * N, pa.int32()).cast(k) for k in (pa.time32("s"), pa.time32("ms"))},
    **{str(k): pa.array([5] * N, pa.int64()).cast(k) for k in (
        pa.time64("us"), pa.timestamp("us"), pa.timestamp("s", "Europe/Berlin"), pa.duration("s"))},
    "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * N),
    "binary": pa.array([w.encode() for w in WORDS]),
    "not UTF-8": pa.array([b"\xff\xfe"] * N),
    "large_binary": pa.array([w.encode() for w in WORDS], pa.large_binary()),
    "fixed_size_binary": pa.array([w.encode() for w in WORDS], pa.binary(2)),
    "binary_view": pa.array([w.encode() for w in WORDS], pa.binary_view()),
    "string": pa.array(WORDS),
    "large_string": pa.array(WORDS, pa.large_string()),
    "string_view": pa.array(WORDS, pa.string_view()),
    "invalid string": pa.array([b"\xff\xfe"] * N).view(pa.string()),
}  # fmt: skip
ENDS = pa.array(range(1, N + 1), pa.int32())
STRUCT = pa.array([{"a": w, "b": i} for w, i in zip(WORDS, ONES, strict=True)])
LISTED = [
    "null",
    "bool",
    "int32",
    "half",
    "double",
    "string",
    "string_view",
    "binary",
    "date32[day]",
]
TYPES = {
    **SCALARS,
    "struct": STRUCT,
    "empty struct": pa.array([{}] * N, pa.struct([])),
    "map": pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())),
    "sparse union": union("sparse"),
    "dense union": union("dense"),
    "list of lists": pa.array([[[1.0, 2.0]]] * N),
    "list of structs": pa.array([[{"a": 1}]] * N),
    "list of maps": pa.array([[[("a", 1)]]] * N, pa.list_(pa.map_(pa.string(), pa.int64()))),
    "empty lists": pa.array([[]] * N, pa.list_(pa.string())),
    "rows of width 0": pa.array([[]] * N, pa.list_(pa.float32(), 0)),
    "rows of rows": pa.array([[[1.0, 2.0]]] * N, pa.list_(pa.list_(pa.float64(), 2), 1)),
    "uuid": pa.array([uuid.UUID(int=i).bytes for i in range(N)], pa.uuid()),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}'] * N)),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "x", "y"), pa.array(WORDS)),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array(ONES, pa.int8())),
    "tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((N, 3), np.float32)),
    "own extension": pa.ExtensionArray.from_storage(Tag(pa.string()), pa.array(WORDS)),
    "extension of lists": pa.ExtensionArray.from_storage(
        Tag(pa.list_(pa.string())), pa.array([[w] for w in WORDS])),
    "dictionary of extension": pa.DictionaryArray.from_arrays(
        pa.array(ONES), pa.ExtensionArray.from_storage(Tag(pa.string()), pa.array(["a", "b"]))),
    "list of dictionaries": pa.array([[w] for w in WORDS], pa.list_(pa.dictionary(pa.int8(), pa.string()))),  # noqa: E501
    **{f"list of {name}": pa.ListArray.from_arrays(range(N + 1), SCALARS[name]) for name in LISTED},
    **{f"large list of {name}": pa.LargeListArray.from_arrays(range(N + 1), SCALARS[name]) for name in LISTED},  # noqa: E501
    **{f"list view of {name}": pa.ListViewArray.from_arrays(range(N), [1] * N, SCALARS[name]) for name in LISTED},  # noqa: E501
    **{f"large list view of {name}": pa.LargeListViewArray.from_arrays(range(N), [1] * N, SCALARS[name]) for name in LISTED},  # noqa: E501
    **{f"rows of {name}": pa.FixedSizeListArray.from_arrays(SCALARS[name], 1) for name in LISTED},
    **{f"dictionary of {name}": pa.DictionaryArray.from_arrays(pa.array(range(N)), array)
       for name, array in SCALARS.items()},
    **{f"runs of {name}": pa.RunEndEncodedArray.from_arrays(ENDS, array)
       for name, array in SCALARS.items() if name != "invalid string"},
}  # fmt: skip
TEXT = pa.array([f"a text {i}" for i in range(N)])
ASKED = {
    "text": ("x", {"text": ("x",), "label_kind": "none"}),
    "pair": ("x", {"text": ("x", "other"), "label_kind": "none"}),
    "text by name": ("text", {"label_kind": "none"}),
    "label": ("x", {"text": ("other",), "label": ("x",)}),
    "label by name": ("label", {"text": ("other",)}),
    "classes": ("x", {"text": ("other",), "label": ("x",), "label_kind": "classes"}),
    "regression": ("x", {"text": ("other",), "label": ("x",), "label_kind": "regression"}),
    "multilabel": ("x", {"text": ("other",), "label": ("x",), "label_kind": "multilabel"}),
    "labels": ("x", {"text": ("other",), "label": ("x", "one")}),
    "feature": ("x", {"text": ("x", "one", "two"), "label_kind": "none"}),
    "feature unasked": ("x", {"label": ("one",)}),
    "vector": ("vector", {"label_kind": "none"}),
    "vector asked": ("x", {"text": ("x",), "label_kind": "none"}),
    "split": ("split", {"text": ("other",), "label_kind": "none"}),
    "split asked": ("x", {"text": ("other",), "label_kind": "none", "split_column": "x"}),
    "remaining": ("x", {"text": ("other",)}),
}


def tabled(name, array, role):
    features = {"one": pa.array(ONES), "two": pa.array(ONES)}
    others = features if role == "feature unasked" else {"other": TEXT} | features
    return pa.table({name: array} | others)


def contained(table, container, path):
    """The table, or a file of it; None where the format has no such type."""
    if container == "table":
        return table
    path = path / f"toy.{container}"
    try:
        if container == "parquet":
            pq.write_table(table, path)
        else:
            sink = io.BytesIO()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            path.write_bytes(sink.getvalue())
    except (pa.ArrowException, OSError):
        return None
    return path


def complaint(source, said):
    """Why it was refused; an error of Arrow, or one without a hint, is a defect."""
    try:
        task = opened(source, **said)
        return None if sum(batch.rows for batch in task.batches()) == N else "DEFECT: lost rows"
    except DataError as error:
        placed = error.where or "label" in error.found
        raw = "kernel" in error.found or "cast" in error.found
        return f"DEFECT: {error}" if raw or not placed or not error.hint else error.found


@pytest.mark.parametrize("container", ["table", "arrow", "parquet"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_in_every_role(kind, container, tmp_path):
    for role in ASKED if container == "table" else ("text", "label", "feature", "vector", "split"):
        name, said = ASKED[role]
        source = contained(tabled(name, TYPES[kind], role), container, tmp_path)
        for bad in ("fail", "skip") if container == "table" else ("fail",):
            found = None if source is None else complaint(source, said | {"on_bad_row": bad})
            assert "DEFECT" not in (found or ""), role


def test_the_table_says_what_is_accepted():
    """Types are refused where the table says no, and nowhere else."""
    whole = {kind: array for kind, array in TYPES.items() if kind != "struct"}  # read by fields
    for kind, array in whole.items():
        for role in roles.TABLE:
            name, said = ASKED[role]
            if role in ("text", "vector"):
                name, said = role, {"label_kind": "none"}
            found = complaint(tabled(name, array, role), said) or ""
            if roles.fits(plain_type(array.type), role):
                refusal = f"holds {roles.shown(plain_type(array.type))}"
                assert not found.endswith(refusal), (kind, role, found)
            else:
                assert found, (kind, role)


def viewed(texts):
    coded = texts.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, coded.dictionary.cast(pa.string_view()))


TEXTS = {
    "string_view": lambda texts: texts.cast(pa.string_view()),
    "large_string": lambda texts: texts.cast(pa.large_string()),
    "dictionary": lambda texts: texts.dictionary_encode(),
    "dictionary of views": viewed,
    "runs": lambda texts: pa.compute.run_end_encode(texts),
    "extension": lambda texts: pa.ExtensionArray.from_storage(Tag(pa.string()), texts),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("container", ["table", "arrow", "parquet"])
def test_a_text_or_label_is_the_same_in_every_type(kind, container, tmp_path):
    texts = pa.array([f"text {i % 7}" for i in range(100)])
    labels = pa.array([f"l{i // 30}" for i in range(100)])
    table = pa.table({"text": TEXTS[kind](texts), "label": TEXTS[kind](labels)})
    source = contained(table.slice(3), container, tmp_path)
    if source is not None:
        assert (
            rows_of(opened(source))
            == list(zip(texts.to_pylist(), labels.to_pylist(), strict=True))[3:]
        )


SHARED = {
    "dictionary": lambda text, n: pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(n, np.int32)), pa.array([text])),
    "runs": lambda text, n: pa.RunEndEncodedArray.from_arrays(pa.array([n]), pa.array([text])),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHARED)
def test_a_long_text_that_all_rows_share_is_spelled_out_in_pieces(kind):
    """Stored once; spelled out it would be 200 MB."""
    table = pa.table({"text": SHARED[kind]("y" * 500_000, 400), "label": ["a", "b"] * 200})
    first = next(iter(opened(table).batches()))
    assert first.text[0].nbytes <= 32 << 20


def test_rows_without_end():
    """Nulls take no bytes: a damaged file may declare any number of them."""
    with pytest.raises(DataError, match="declares 1,000,000,000,000 rows"):
        check_rows(10**12, 1000, "toy.arrow")
    check_rows(10**9, 10**8, "toy.arrow")


def test_names_that_are_not_utf8(tmp_path):
    sink = io.BytesIO()
    table = pa.table({"text": WORDS, "label": WORDS, "naeme": WORDS})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    path = tmp_path / "toy.arrow"
    path.write_bytes(sink.getvalue().replace(b"naeme", b"na\xe4me"))
    with pytest.raises(DataError, match="column name is not UTF-8") as caught:
        opened(path)
    assert "other names" in caught.value.hint
