"""Word-vector files as they are found, and as they should not be."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import subprocess
import warnings
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskaff.core.errors import CacheError, EmbedError, Place, TaskaffWarning
from taskaff.core.store import Store
from taskaff.stages import embed
from taskaff.stages.embed import sources, textblock, textvectors, wordfiles, wordvectors

PLAIN = b"the 0.5 -1 2e-1\nof 3 .25 1.\n<unk> -0.0 7 8\n"
WORDS = [b"the", b"of", b"<unk>"]
VECTORS = np.array([[0.5, -1, 0.2], [3, 0.25, 1], [-0.0, 7, 8]], np.float32)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def made(tmp_path, store):
    """Write bytes to a file and load it as word vectors."""

    def load(content, name="v.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        found = wordfiles.load(str(path), store)
        return found.words.to_pylist(), found.vectors

    return load


def binary(words, vectors, newline=b"\n", header=None):
    body = b"".join(
        word + b" " + vector.astype("<f4").tobytes() + newline
        for word, vector in zip(words, vectors, strict=True)
    )
    rows, width = vectors.shape
    return (header or f"{rows} {width}\n".encode()) + body


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def expect(found, words=WORDS, vectors=VECTORS):
    assert found[0] == words
    assert np.array_equal(found[1], vectors)
    assert found[1].dtype == np.float32


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", PLAIN),
        ("no-last-newline.txt", PLAIN[:-1]),
        ("blank-tail.txt", PLAIN + b"\n\r\n\n"),
        ("header.vec", b"3 3\n" + PLAIN),
        ("crlf.txt", PLAIN.replace(b"\n", b"\r\n")),
        ("space-at-line-end.vec", b"3 3 \n" + PLAIN.replace(b"\n", b" \n")),
        ("bom.txt", b"\xef\xbb\xbf" + PLAIN),
        ("bom-header.txt", b"\xef\xbb\xbf3 3\n" + PLAIN),
        ("plus.txt", PLAIN.replace(b"of 3", b"of +3")),
        ("gz.txt.gz", gzip.compress(PLAIN, mtime=0)),
        ("one.zip", zipped({"dir/v.txt": PLAIN, "README.md": b"hello"})),
        ("w2v.bin", binary(WORDS, VECTORS)),
        ("w2v-no-newlines.bin", binary(WORDS, VECTORS, newline=b"")),
        ("w2v.bin.gz", gzip.compress(binary(WORDS, VECTORS), mtime=0)),
        ("w2v.zip", zipped({"v.bin": binary(WORDS, VECTORS)})),
    ],
)
def test_formats(made, name, content):
    expect(made(content, name))


def test_member_of_a_zip(tmp_path, store):
    path = tmp_path / "glove.zip"
    path.write_bytes(zipped({"a.txt": b"x 1\n", "d/b.txt": PLAIN}))
    found = wordfiles.load(f"{path}:d/b.txt", store)
    expect((found.words.to_pylist(), found.vectors))
    for spec, words in [(str(path), "which member"), (f"{path}:c.txt", "no member 'c.txt'")]:
        with pytest.raises(EmbedError, match=words) as caught:
            wordfiles.load(spec, store)
        assert "a.txt, d/b.txt" in str(caught.value)
        assert f"glove:{path}:a.txt" in caught.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "glove.zip"]


def test_torture_words(made):
    words = [
        b". . .",
        b"at name@domain.com",
        b"\xc2\x85",
        b"\xff\xfe",
        "日本".encode(),
        b"",
        b"1",
        b"3.5",
        b"a\tb",
        b'"',
        b"\xc2\xa0",
        b"1 1/2",
    ]
    content = b"".join(b"%s %d 2.5 3\n" % (word, n) for n, word in enumerate([b"w", *words]))
    found = made(content)
    assert found[0] == [b"w", *words]
    assert found[1][:, 0].tolist() == list(range(len(words) + 1))


def test_words_that_are_not_utf8_match_no_text(tmp_path, store):
    (tmp_path / "v.txt").write_bytes(b"a 1 2\n\xff 3 4\n\xc2\x85 5 6\n")
    encoder = embed.open_encoder(f"glove:{tmp_path / 'v.txt'}", store=store)
    X, counts = encoder.encode(pa.array(["a \ufffd", "\x85"]))
    assert X.tolist() == [[1, 2], [5, 6]]
    assert counts.unknown == 1


def test_first_of_repeated_words_stays_and_the_rest_is_counted(tmp_path, store):
    lines = [f"w{n % 40} {n} 1" for n in range(100)]
    (tmp_path / "v.txt").write_text("\n".join(lines))
    info = embed.describe(tmp_path / "v.txt", store=store)
    assert (info.words, info.width, info.repeats) == (40, 2, 60)
    found = wordfiles.load(str(tmp_path / "v.txt"), store)
    assert found.vectors[:, 0].tolist() == list(range(40))


@pytest.mark.parametrize(
    ("content", "found", "line"),
    [
        (PLAIN + b"cut 1 2\n", "2 numbers after the word, not 3", 4),
        (PLAIN + b"cut 1 2", "2 numbers after the word, not 3", 4),
        (PLAIN + b"cut\n" + PLAIN, "0 numbers after the word, not 3", 4),
        (PLAIN + b"\n" + PLAIN, "0 numbers after the word, not 3", 4),
        (b"3 3\n" + PLAIN.replace(b"of 3", b"of"), "2 numbers after the word, not 3", 3),
        (PLAIN + b"wide 1.5 2.5 3.5 4.5\n", "4 numbers after the word, not 3", 4),
        (PLAIN + b"bad 1 x 3\n", "'x' is not a number", 4),
        (PLAIN + b"bad 1 2 0x3\n", "'0x3' is not a number", 4),
        (PLAIN + b"bad 1  3 4\n", "'' is not a number", 4),
        (PLAIN + b"bad 1 2 1_0\n", "'1_0' is not a number", 4),
        (PLAIN + b"bad 1 2 \xff\n", "is not a number", 4),
        (PLAIN + b"bad 1 nan 3\n", "not finite", 4),
        (PLAIN + b"bad 1 -inf 3\n", "not finite", 4),
        (PLAIN + b"bad 1 1e39 3\n", "not finite", 4),
        (PLAIN + b"bad 1 +1e39 3\n", "not finite", 4),
        (PLAIN + b"a\rb 1 2\r3 4\n", "is not a number", 4),
        (b"4 3\n" + PLAIN, "promises 4 words, and there are 3", 4),
        (b"2 3\n" + PLAIN, "promises 2 words, and there are 3", 4),
        (b"3 4\n" + PLAIN, "the header says width 4", 1),
    ],
)
def test_a_bad_line_is_named(made, tmp_path, content, found, line):
    with pytest.raises(EmbedError, match=r"v\.txt, line") as caught:
        made(content)
    assert found in caught.value.found
    assert caught.value.where == Place(str(tmp_path / "v.txt"), line=line)
    assert caught.value.hint
    assert not list((tmp_path / "cache").glob("vectors/*/[0-9a-f]*"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no word vectors"),
        (b"3 3\n", "no word vectors"),
        (b"\n\n", "no word vectors"),
        (b"the\t1\t2\nof\t3\t4\n", "no word-vector file"),
        (b"just some prose\nand more of it\n", "no word-vector file"),
        (b"x" * 3_000_000, "no word-vector file"),
        (b"the 1\n" + b"y" * 20_000_000, "longer than"),
    ],
)
def test_what_is_no_word_vector_file(made, content, words):
    with pytest.raises(EmbedError, match=words):
        made(content)


def test_tabs_are_explained(made):
    with pytest.raises(EmbedError) as caught:
        made(b"the\t1\t2\nof\t3\t4\n")
    assert "tr '\\t' ' '" in caught.value.hint


TABBED = b"the\t0.5 -1 2e-1\nof\t3 .25 1.\nto\t1 2 3\n"


def test_a_tab_between_the_word_and_its_numbers_is_no_narrower_vector(made, tmp_path):
    with pytest.raises(EmbedError) as caught:
        made(TABBED)
    command = caught.value.hint.rpartition(": ")[2]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    words, vectors = made((tmp_path / "spaced.txt").read_bytes(), "w.txt")
    assert words == [b"the", b"of", b"to"]
    assert vectors.shape == (3, 3)
    with pytest.raises(EmbedError) as caught:
        made(PLAIN + b"one\t1.5 1 2 3\n")
    assert caught.value.where.line == 4
    assert "a tab separates" in caught.value.found
    assert made(b"a\tb 1 2\nc 3 4\n")[0] == [b"a\tb", b"c"]  # a tab inside a word


@pytest.mark.parametrize(
    ("content", "found", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "LFS", "lfs pull"),
        (b"<!DOCTYPE html>\n<html lang='en'>\n", "a web page", "fetch the file itself"),
        (b"PAR1\x15\x04" + bytes(90), "Parquet", "one word and its numbers"),
        (b"BZh91AY&SY" + bytes(90), "bzip2", "bunzip2"),
    ],
)
def test_files_that_are_something_else(made, content, found, hint):
    with pytest.raises(EmbedError) as caught:
        made(content)
    assert found in caught.value.found
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (binary(WORDS, VECTORS)[:-6], "ends inside a record.*row 3"),
        (binary(WORDS, VECTORS, header=b"5 3\n"), "ends inside a record.*row 4"),
        (binary(WORDS, VECTORS, header=b"2 3\n"), "more follows after the 2 words"),
        (binary(WORDS, VECTORS * np.nan), "not finite.*row 1"),
        (binary(WORDS, VECTORS, header=b"3 999999999\n"), "says width 999999999"),
    ],
)
def test_bad_binary_files(made, content, words):
    with pytest.raises(EmbedError, match=words):
        made(content, "v.bin")


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize(
    "name", ["a.kv", "a.model", "a.pkl", "a.pickle", "a.joblib", "a.pt", "a.pth", "a.bin", "a.txt"]
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_are_refused_and_not_run(made, tmp_path, name, protocol):
    with pytest.raises(EmbedError) as caught:
        made(pickle.dumps(Trap(tmp_path / "ran"), protocol), name)
    assert caught.value.hint
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ft.bin", struct.pack("<ii", 793712314, 12) + bytes(90), "fastText model"),
        ("m.npy", b"\x93NUMPY\x01\x00" + bytes(80), "without its words"),
        ("t.bin", zipped({"archive/data.pkl": b"x"}), "PyTorch or NumPy archive"),
        ("n.npz", zipped({"a.npy": b"x"}), "PyTorch or NumPy archive"),
        ("h.h5", b"\x89HDF\r\n" + bytes(80), "HDF5"),
        ("cut.gz", gzip.compress(PLAIN * 99, mtime=0)[:-20], "cannot decompress"),
        ("bad.gz", gzip.compress(PLAIN, mtime=0)[:-8] + bytes(8), "cannot decompress"),
        ("cut.zip", zipped({"a.txt": PLAIN})[:-10], "cannot decompress"),
        ("empty.zip", zipped({"x/": b""}), "which member"),
    ],
)
def test_refused_formats(made, name, content, words):
    with pytest.raises(EmbedError, match=words) as caught:
        made(content, name)
    assert caught.value.hint


def test_a_bomb_is_stopped(made, monkeypatch):
    monkeypatch.setattr(sources, "RATIO_FROM", 1 << 20)
    with pytest.raises(EmbedError, match="decompresses to more than"):
        made(gzip.compress(b"a 1 2\n" * 3_000_000, 9), "v.txt.gz")


def test_a_missing_file(store, tmp_path):
    for act in (lambda p: wordfiles.load(p, store), lambda p: embed.convert(p, tmp_path / "o")):
        with pytest.raises(EmbedError, match="no such file"):
            act(str(tmp_path / "absent.txt"))


def write_folder(path, matrix, words, name="words.txt"):
    path.mkdir()
    np.save(path / "m.npy", matrix)
    (path / name).write_bytes(words)
    return path


def test_folders(tmp_path, store):
    folder = write_folder(tmp_path / "f", VECTORS.astype(np.float64), b"the\nof\n<unk>\n")
    found = wordfiles.load(str(folder), store)
    expect((found.words.to_pylist(), found.vectors))


def test_bad_folders(tmp_path, store):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        objects = np.array([[{}], [1]], object)
    cases = {
        "rows": (VECTORS, b"the\nof\n", "3 rows, and 2 words"),
        "nan": (VECTORS * np.nan, b"a\nb\nc\n", "not finite"),
        "ints": (VECTORS.astype(int), b"a\nb\nc\n", "array of int64"),
        "flat": (VECTORS.ravel(), b"a\n", "shape"),
        "objects": (objects, b"a\nb\n", "no matrix of numbers"),
    }
    for name, (matrix, words, message) in cases.items():
        folder = write_folder(tmp_path / name, matrix, words)
        with pytest.raises(EmbedError, match=message):
            wordfiles.load(str(folder), store)
    with pytest.raises(EmbedError, match="0 matrices"):
        wordfiles.load(str(tmp_path), store)
    folder = write_folder(tmp_path / "pq", VECTORS, b"PAR1 no", "words.parquet")
    with pytest.raises(EmbedError, match="no list of words"):
        wordfiles.load(str(folder), store)


def test_converted_file_is_the_same_encoder(tmp_path, store):
    (tmp_path / "v.txt").write_bytes(PLAIN)
    info = embed.convert(tmp_path / "v.txt", tmp_path / "v.safetensors")
    assert (info.words, info.width, info.format) == (3, 3, "text")
    assert info.first == ("the", "of", "<unk>")
    cards = [
        embed.open_encoder(f"glove:{tmp_path / name}", store=store).card
        for name in ("v.txt", "v.safetensors")
    ]
    assert cards[0].fingerprint == cards[1].fingerprint
    assert embed.convert(tmp_path / "v.safetensors", tmp_path / "again").digest == info.digest
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "again",
        "cache",
        "v.safetensors",
        "v.txt",
    ]


def test_any_safetensors_reader_opens_a_converted_file(tmp_path):
    from safetensors.numpy import load_file

    (tmp_path / "v.txt").write_bytes(PLAIN)
    embed.convert(tmp_path / "v.txt", tmp_path / "v.safetensors")
    tensors = load_file(tmp_path / "v.safetensors")
    assert np.array_equal(tensors["vectors"], VECTORS)
    assert tensors["bytes"].tobytes() == b"".join(WORDS)
    assert tensors["offsets"].tolist() == [0, 3, 5, 10]


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_converted_file_is_refused(tmp_path, store, seed):
    (tmp_path / "v.txt").write_bytes(PLAIN)
    path = tmp_path / "v.safetensors"
    embed.convert(tmp_path / "v.txt", path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        content = content[: rng.integers(9, len(content))]
    elif seed % 3 == 1:
        content[rng.integers(wordvectors.DATA_AT, len(content))] ^= 0x41
    else:
        content[-10 - 8 * 4 + rng.integers(0, 32)] ^= 0x7F  # offsets
    path.write_bytes(bytes(content))
    with pytest.raises(EmbedError):
        wordfiles.load(str(path), store)


def test_a_foreign_safetensors_file_is_refused(tmp_path, store):
    from safetensors.numpy import save_file

    save_file({"vectors": VECTORS}, tmp_path / "x.safetensors")
    with pytest.raises(EmbedError, match="not a readable file of converted word vectors"):
        wordfiles.load(str(tmp_path / "x.safetensors"), store)


def test_a_file_is_read_once(tmp_path, store, monkeypatch):
    path = tmp_path / "v.txt"
    path.write_bytes(PLAIN)
    first = wordfiles.load(str(path), store).digest

    def never(*_):
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr(wordfiles, "file_sha256", never)
        patch.setattr(wordfiles, "_write_converted", never)
        assert wordfiles.load(str(path), store).digest == first
        assert wordfiles.load(str(path), Store(store.root, "only")).digest == first
    path.write_bytes(PLAIN.replace(b"of", b"or"))
    assert wordfiles.load(str(path), store).words.to_pylist()[1] == b"or"
    path.write_bytes(PLAIN.replace(b"of", b"if"))
    with pytest.raises(CacheError, match="no vectors entry"):
        wordfiles.load(str(path), Store(store.root, "only"))


def test_a_cut_cache_entry_is_made_again(tmp_path, store):
    path = tmp_path / "v.txt"
    path.write_bytes(PLAIN)
    wordfiles.load(str(path), store)
    (entry,) = [entry for entry in store.entries() if entry.kind == "vectors"]
    entry.path.write_bytes(entry.path.read_bytes()[:-1])
    with pytest.warns(TaskaffWarning, match="the file is cut"):
        found = wordfiles.load(str(path), store)
    expect((found.words.to_pylist(), found.vectors))
    (entry,) = [entry for entry in store.entries() if entry.kind == "vectors"]
    entry.path.write_bytes(entry.path.read_bytes()[:-1])
    with pytest.warns(TaskaffWarning), pytest.raises(CacheError, match="no vectors entry"):
        wordfiles.load(str(path), Store(store.root, "only"))
    wordfiles.load(str(path), store)
    assert store.verify() == []


def python_reader(content, width):
    words, rows = [], []
    for line in content.split(b"\n")[:-1]:
        fields = line.split(b" ")
        words.append(b" ".join(fields[:-width]))
        rows.append([np.float32(float(field)) for field in fields[-width:]])
    return words, np.array(rows, np.float32)


WORD_BYTES = st.binary(min_size=1, max_size=6).map(
    lambda b: bytes(c for c in b if c not in b"\n\r") or b"x"
)
NUMBERS = st.floats(-(2.0**90), 2.0**90, width=32).map(lambda x: repr(x).encode())


@given(
    rows=st.lists(st.tuples(WORD_BYTES, st.lists(NUMBERS, min_size=3, max_size=3)), min_size=1),
    block=st.integers(1, 200),
)
def test_blocks_of_any_size_read_as_the_naive_reader(rows, block):
    lines = [b" ".join([word, *numbers]) + b"\n" for word, numbers in rows]
    content = b"".join(lines)
    want_words, want = python_reader(content, 3)
    assume(not any(b" " in word and b"." in word for word in want_words))  # may read as too wide
    assume(not content.startswith(b"\xef\xbb\xbf"))
    parts = list(textvectors.read_text(io.BytesIO(content), "f", textvectors.Shape(3), block))
    assert [word for words, _ in parts for word in words.to_pylist()] == want_words
    got = np.concatenate([vectors for _, vectors in parts])
    np.testing.assert_array_max_ulp(got, want)


def test_block_numbers_agree_with_float():
    scale = 10.0 ** np.arange(-15, 15).repeat(100)
    numbers = (np.random.default_rng(0).standard_normal(3000) * scale).tolist()
    block = "".join(f"w {x!r} {x:.6f}\n" for x in numbers).encode()
    _, vectors = textblock.parse_block(block, 2, Place("f", line=1))
    np.testing.assert_array_max_ulp(vectors, python_reader(block, 2)[1])
