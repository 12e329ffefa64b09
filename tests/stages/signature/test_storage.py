"""Files: a round trip changes nothing, equal signatures are equal bytes, damage is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.signature._streams import KINDS, assert_same_sums, file, rows, schema, summed

from taskaff.core.errors import SignatureError
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.records.signature import TaskSignature
from taskaff.stages.signature import load, merge, pad, save
from taskaff.stages.signature.container import PREFIX, UNSUMMED

SUMS = ("n", "sx", "sxx", "sxy", "sy", "syy")


def small(kind: str = "classes", n: int = 12, **changes) -> TaskSignature:
    X, labels, hashes = rows(1, n, 2, 2, kind)
    made = summed(X, labels, hashes, schema(kind, 2), inputs=(file("a" * 64, "dir/a.csv"),))
    return replace(made, **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.taskaff"


def stored(signature: TaskSignature, path) -> bytes:
    save(signature, path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 12])
def test_round_trip(kind, n, path):
    original = small(kind, n, notes=("a note", "é"), name="naïve")
    first = stored(original, path)
    found = load(path)
    for name in SUMS:
        assert np.array_equal(getattr(found, name), getattr(original, name)), name
        assert getattr(found, name).dtype == getattr(original, name).dtype
    assert_same_sums(found, original, 0.0)
    for name in ("name", "encoder", "layout", "schema", "split", "notes", "padded_from"):
        assert getattr(found, name) == getattr(original, name)
    assert stored(found, path) == first


def test_file_paths_are_reduced_to_base_names(path):
    names = ("/home/me/a.csv", r"C:\me\b.csv", "https://host/x/c.csv", "dir/", "d.csv", "-")
    inputs = tuple(file(str(i) * 64, name) for i, name in enumerate(names))
    content = stored(small(inputs=inputs), path)
    assert b"/me" not in content
    found = [f.path for f in load(path).inputs]
    assert found == ["a.csv", "b.csv", "c.csv", "dir", "d.csv", "-"]


def test_names_that_are_not_utf8_can_be_stored_and_printed(path):
    save(small(name="a\udce9", inputs=(file("0" * 64, "b\udce9.csv"),)), path)
    found = load(path)
    assert (found.name, found.inputs[0].path) == ("a?", "b?.csv")


def test_padding_and_inexact_sketches_survive(path):
    X, labels, hashes = rows(2, 40, 3, 2, "classes")
    original = pad(summed(X, labels, hashes, schema("classes", 2), sketch_limit=8), 5)
    save(original, path)
    found = load(path)
    assert found.padded_from == 3
    assert not found.sketches["train"].exact
    assert_same_sums(found, original, 0.0)


def test_equal_signatures_are_equal_files(tmp_path):
    one, other = small("regression"), small("regression")
    other = replace(other, sketches=dict(reversed(other.sketches.items())), sxx=other.sxx + 0.0)
    zero = small("none", 0)
    negative = replace(zero, sx=-zero.sx, sxx=-zero.sxx)
    assert stored(one, tmp_path / "one") == stored(other, tmp_path / "other")
    assert stored(zero, tmp_path / "zero") == stored(negative, tmp_path / "negative")


def test_no_text_is_stored(path):
    import pyarrow as pa

    from taskaff.core.records.data import RowBatch
    from taskaff.core.records.embedding import EncodeCounts
    from taskaff.stages.signature import Accumulator, row_hashes

    texts = pa.array(["a confidential sentence", "another secret"])
    hashes = row_hashes(RowBatch("secret.csv", "train", 0, (texts,), None, None))
    accumulator = Accumulator(
        "task", EncoderCard("e", "f", 2), "single", schema("none", 0), "train", 2
    )
    accumulator.add("train", np.ones((2, 2), np.float32), None, hashes, EncodeCounts())
    content = stored(accumulator.finish(()), path)
    assert b"confidential" not in content
    assert b"secret" not in content


def test_safetensors_reads_it(path):
    from safetensors.numpy import load_file

    from taskaff.stages.signature.triangles import unpacked

    original = small("regression")
    save(original, path)
    found = load_file(path)
    assert sorted(found) == ["n", "sketch.train", "sx", "sxx", "sxy", "sy", "syy"]
    assert np.array_equal(found["sxy"], original.sxy)
    assert found["sxx"].shape == (4, 3)
    assert np.array_equal(unpacked(found["sxx"], 2), original.sxx)
    assert np.array_equal(found["sxx"][:, 1], original.sxx[:, 0, 1])


def test_nothing_heavy_is_imported(path):
    save(small(), path)
    code = (
        "import sys; from pathlib import Path; import taskaff.stages.signature as m; "
        "assert not {'numpy', 'pyarrow'} & set(sys.modules); "
        f"s = m.load(Path({str(path)!r})); m.save(m.merge([s]), Path({str(path)!r})); "
        "print(*{'torch', 'scipy', 'sklearn', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# ------------------------------------------------------------------------------ damage


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    where = tmp_path_factory.mktemp("damage") / "a.taskaff"
    return stored(small("regression", 3), where)


def places(content: bytes) -> list[int]:
    """The first bytes and the last ones, and every eleventh in between."""
    n = len(content)
    return [*range(40), *range(40, n - 40, 11), *range(n - 40, n)]


def test_every_flipped_byte_is_noticed(content, path):
    """One bit of a byte, walking through the bytes and the bits."""
    for at in places(content):
        broken = bytearray(content)
        broken[at] ^= 1 << (at % 8)
        path.write_bytes(broken)
        with pytest.raises(SignatureError, match=r"\(.*a\.taskaff\)") as info:
            load(path)
        assert info.value.hint


@given(st.data())
def test_bytes_replaced_removed_or_inserted_are_noticed(content, tmp_path_factory, data):
    where = tmp_path_factory.getbasetemp() / "edited.taskaff"
    at = data.draw(st.integers(0, len(content)))
    width = data.draw(st.integers(0, 8))
    middle = data.draw(st.binary(max_size=8))
    edited = content[:at] + middle + content[at + width :]
    where.write_bytes(edited)
    if edited == content:
        load(where)
    else:
        with pytest.raises(SignatureError):
            load(where)


def test_every_truncation_is_noticed(content, path):
    for length in places(content):
        path.write_bytes(content[:length])
        with pytest.raises(SignatureError, match=r"a\.taskaff"):
            load(path)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"text,label\nfine,1\n",
        b"\xff" * 100,
        b"PK\x03\x04" + bytes(100),
        bytes(1000),
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (200_000).to_bytes(8, "little") + PREFIX + b"[" * 200_000,
    ],
)
def test_other_files_are_refused(junk, path):
    path.write_bytes(junk)
    with pytest.raises(SignatureError, match=r"no intact taskaff signature: .*a\.taskaff"):
        load(path)


def test_a_safetensors_file_of_someone_else_is_refused(path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, path, metadata={"format": "pt"})
    with pytest.raises(SignatureError, match="another format"):
        load(path)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(SignatureError, match="cannot be read: No such file"):
        load(tmp_path / "missing.taskaff")
    with pytest.raises(SignatureError, match="cannot be read: Is a directory"):
        load(tmp_path)


# ----------------------------------------------- files with a right checksum, wrong inside


def forged(content: bytes, change) -> bytes:
    """The file with ``change(header, metadata, data)`` applied and its checksum made right."""
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    metadata = json.loads(header["__metadata__"]["taskaff"])
    metadata["checksum"] = UNSUMMED.decode()
    change(header, metadata, data)
    header["__metadata__"]["taskaff"] = json.dumps(metadata, separators=(",", ":"))
    raw = json.dumps(header, separators=(",", ":")).encode()
    whole = len(raw).to_bytes(8, "little") + raw + data
    return whole.replace(UNSUMMED, f"{crc32(whole):08x}".encode(), 1)


def test_a_forged_file_without_a_change_loads(content, path):
    path.write_bytes(forged(content, lambda header, metadata, data: None))
    assert load(path).rows == 3


def _set(where, key, value):
    def change(header, metadata, data):
        found = {"header": header, "metadata": metadata, "signature": metadata["signature"]}
        for step in where:
            found = found[step]
        found[key] = value

    return change


def _write(name, index, value, dtype):
    def change(header, metadata, data):
        start, end = header[name]["data_offsets"]
        np.frombuffer(data, dtype)[start // 8 : end // 8][index] = value

    return change


def _drop(name):
    return lambda header, metadata, data: header.pop(name)


FORGERIES = {
    "unknown dtype": (_set(("header", "sx"), "dtype", "F32"), "safetensors cannot"),
    "a dtype of no sum": (_set(("header", "sx"), "dtype", "U64"), "tensor sx"),
    "float rows": (_set(("header", "n"), "dtype", "F64"), "tensor n"),
    "float hashes": (_set(("header", "sketch.train"), "dtype", "F64"), "no list of hashes"),
    "shape beyond the file": (
        _set(("header", "sx"), "shape", [4, 2**39]),
        "safetensors cannot",
    ),
    "shape that wraps": (
        _set(("header", "sx"), "shape", [2**32, 2**32]),
        "safetensors cannot",
    ),
    "negative shape": (_set(("header", "sx"), "shape", [-4, -2]), "safetensors cannot"),
    "shape of truths": (_set(("header", "sx"), "shape", [True, 8]), "safetensors cannot"),
    "shape of floats": (_set(("header", "sx"), "shape", [4.0, 2]), "safetensors cannot"),
    "other rank": (_set(("header", "sx"), "shape", [8]), "two-dimensional"),
    "other shape": (_set(("header", "sx"), "shape", [2, 4]), "shape"),
    "overlap": (_set(("header", "sy"), "data_offsets", [0, 64]), "safetensors cannot"),
    "offsets of words": (
        _set(("header", "sy"), "data_offsets", ["a", "b"]),
        "safetensors cannot",
    ),
    "no entry": (_set(("header",), "sy", None), "safetensors cannot"),
    "missing tensor": (_drop("syy"), "safetensors cannot"),
    "no n": (_drop("n"), "safetensors cannot"),
    "nan": (_write("sxx", 0, np.nan, "<f8"), "sxx holds a number that is not finite"),
    "infinity": (_write("sxy", 0, np.inf, "<f8"), "sxy holds a number that is not finite"),
    "negative rows": (_write("n", 0, -1, "<i8"), "impossible number of rows"),
    "too many rows": (_write("n", 0, 2**62, "<i8"), "impossible number of rows"),
    "more rows than sketched": (_write("n", slice(None), 9, "<i8"), "36 rows were summed"),
    "negative square": (_write("sxx", 0, -1.0, "<f8"), "negative"),
    "sum beyond its squares": (_write("sx", 0, 1e9, "<f8"), "contradict"),
    "label sum beyond its squares": (_write("sy", 0, 1e9, "<f8"), "contradict"),
    "unsorted sketch": (_write("sketch.train", 0, 2**64 - 1, "<u8"), "sketch of 'train'"),
    "metadata of a wrong type": (_set(("signature",), "name", 3), "name is missing or no str"),
    "metadata that is a list": (_set(("signature",), "encoder", []), "encoder. is no object"),
    "unknown layout": (_set(("signature",), "layout", "triple"), "layout is 'triple'"),
    "unknown kind": (_set(("signature", "schema"), "kind", "x"), "kind is 'x'"),
    "names that are numbers": (_set(("signature", "schema"), "names", [1, 2]), "no str"),
    "names that repeat": (_set(("signature", "schema"), "names", ["y", "y"]), "same name"),
    "a name too many": (_set(("signature", "schema"), "names", ["a", "b", "c"]), "shape"),
    "half a surrogate pair": (_set(("signature",), "name", "\ud800"), "surrogates"),
    "truth for a count": (_set(("signature", "counts"), "tokens", True), "no int"),
    "negative count": (_set(("signature", "counts"), "tokens", -1), "range"),
    "huge count": (_set(("signature", "counts"), "tokens", 10**30), "range"),
    "unknown split": (_set(("signature",), "split", "dev"), "split is 'dev'"),
    "sketch of no split": (_set(("signature", "sketches"), "x", {}), "no split 'x'"),
    "sketch without hashes": (
        _set(("signature", "sketches"), "test", dict.fromkeys(("rows", "distinct"), 0)),
        "threshold",
    ),
    "sketch of too few rows": (
        _set(("signature", "sketches", "train"), "rows", 0),
        "sketch of 'train'",
    ),
    "metadata that is no text": (
        _set(("header", "__metadata__"), "more", 1),
        "safetensors cannot",
    ),
    "another format": (_set(("metadata",), "format", "x"), "another format"),
    "no version": (_set(("metadata",), "version", ""), "another format"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_content_is_refused(name, content, path):
    change, message = FORGERIES[name]
    path.write_bytes(forged(content, change))
    with pytest.raises(SignatureError, match=message) as info:
        load(path)
    assert str(path) in str(info.value)


def test_a_small_file_cannot_ask_for_a_large_memory(tmp_path):
    """One-hot sums of c classes take c * c numbers in memory but only c in the file."""
    import tracemalloc

    path = tmp_path / "a.taskaff"
    c = 20_000
    names = [str(i) for i in range(c)]

    def change(header, metadata, data):
        metadata["signature"]["schema"] = {"kind": "classes", "names": names, "columns": []}
        header.pop("syy")
        sizes = {"n": [4], "sketch.train": [3], "sx": [4, 1], "sxx": [4, 1], "sxy": [4, 1, c]}
        sizes["sy"], end = [4, c], 0
        for name, shape in sizes.items():
            size = 8 * int(np.prod(shape))
            header[name] = {**header[name], "shape": shape, "data_offsets": [end, end + size]}
            end += size
        data[:] = bytes(end)

    save(small("regression", 3), path)
    path.write_bytes(forged(path.read_bytes(), change))
    tracemalloc.start()
    try:
        with pytest.raises(SignatureError, match="1 GiB"):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("at", [8, 1000, 10_000, 1_000_000, -1])
def test_damage_in_a_large_file_is_noticed(at, path):
    X, labels, hashes = rows(4, 50, 260, 2, "regression")
    content = bytearray(stored(summed(X, labels, hashes, schema("regression", 2)), path))
    assert len(content) > 2**20
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(SignatureError, match="no intact"):
        load(path)
    path.write_bytes(content[:-1])
    with pytest.raises(SignatureError, match="no intact"):
        load(path)


def test_classes_that_do_not_add_up_are_refused(path):
    original = small("classes")
    off = original.sxy.copy()
    off[:, :, 0] += 1
    with pytest.raises(SignatureError, match="sums of the classes do not add up"):
        save(replace(original, sxy=off), path)
    off = original.sy.copy()
    off[:, 0] += 1
    with pytest.raises(SignatureError, match=r"contradict|rows of the classes"):
        save(replace(original, sy=off), path)


# ----------------------------------------------------------------------------- versions


@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_of_the_future_says_who_reads_it(content, path, damaged):
    def change(header, metadata, data):
        metadata.update(version=7, readable_by="taskaff >= 3.2")
        header["novel"] = {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]}

    future = forged(content, change)
    path.write_bytes(future[:-9] if damaged else future)
    with pytest.raises(SignatureError, match=r"format 7.*reads format 2.*taskaff >= 3\.2") as info:
        load(path)
    assert "upgrade" in info.value.hint
    assert str(path) in str(info.value)


def format_1(path) -> bytes:
    """The head of a file as taskaff wrote them before the identity of rows changed."""
    metadata = {"checksum": "0" * 8, "format": "taskaff-signature", "signature": "{}"}
    metadata |= {"readable_by": "taskaff >= 0.1.0", "version": "1"}
    entries = {"__metadata__": metadata, "n": {"dtype": "I64", "shape": [4]}}
    raw = json.dumps(entries, separators=(",", ":")).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(32)


def test_a_file_of_the_past_has_the_command_that_makes_it_anew(path):
    path.write_bytes(format_1(path))
    with pytest.raises(SignatureError, match=r"format 1.*another rule.*a\.taskaff") as info:
        load(path)
    assert "taskaff profile DATA -o a.taskaff" in info.value.hint


def test_a_tensor_that_one_can_do_without_is_left_alone(content, path):
    """A later release of this version may add some."""

    def change(header, metadata, data):
        end = len(data)
        header["near.train"] = {"dtype": "U64", "shape": [1], "data_offsets": [end, end + 8]}
        metadata["signature"]["near"] = {"train": 1}
        data += bytes(8)

    path.write_bytes(forged(content, change))
    assert load(path).rows == 3


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_bytes(kind, path):
    X, labels, hashes = rows(4, 60, 50, 3, kind)
    original = summed(X, labels, hashes, schema(kind, 3))
    size = len(stored(original, path))
    whole = sum(getattr(original, name).nbytes for name in SUMS)
    assert size < 0.5 * whole + 6_000
    assert_same_sums(load(path), original, 0.0)


# ------------------------------------------------------------------------------ writing


def test_saving_replaces_and_leaves_nothing_else(path):
    path.write_text("old")
    save(small(), path)
    assert load(path).rows == 12
    assert [p.name for p in path.parent.iterdir()] == ["a.taskaff"]


@pytest.mark.parametrize("where", ["missing/a.taskaff", "."])
def test_a_place_that_cannot_be_written(where, tmp_path):
    with pytest.raises(SignatureError, match="cannot be written") as info:
        save(small(), tmp_path / where)
    assert info.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"sxx": s.sxx + np.triu(np.ones((2, 2)), 1)}, "not symmetric"),
        (lambda s: {"sxx": s.sxx * np.nan}, "not finite"),
        (lambda s: {"sy": s.sy[:, :1]}, "shape"),
        (lambda s: {"schema": LabelSchema("regression", ("y0",))}, "shape"),
    ],
)
def test_an_inconsistent_signature_is_not_written(change, message, path):
    original = small("regression")
    with pytest.raises(SignatureError, match=message) as info:
        save(replace(original, **change(original)), path)
    assert info.value.task == "task"
    assert not path.exists()


def test_stored_shards_merge_like_the_originals(tmp_path):
    X, labels, hashes = rows(3, 30, 3, 2, "classes")
    parts = [
        summed(X[a:b], labels[a:b], hashes[a:b], schema("classes", 2))
        for a, b in ((0, 11), (11, 30))
    ]
    for i, part in enumerate(parts):
        save(part, tmp_path / f"{i}.taskaff")
    merged = merge([load(tmp_path / f"{i}.taskaff") for i in range(2)])
    assert_same_sums(merged, merge(parts), 0.0)
