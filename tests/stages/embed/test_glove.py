"""The default vectors: their digests, their identity, and what happens when they are damaged."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from taskaff.core.errors import EmbedError
from taskaff.core.settings import EncoderOptions
from taskaff.stages.embed import glove, wordvectors


def test_weights_constant_is_the_digest_of_the_package(default_glove):
    found = wordvectors.weights_digest(default_glove.vocabulary.words, default_glove.vectors)
    assert found == glove.WEIGHTS


def test_known_vectors(default_glove):
    """The first two numbers of ``the`` in the published glove.6B.50d.txt."""
    X, counts = default_glove.encode(pa.array(["The"]))
    np.testing.assert_allclose(X[0, :2], [0.418, 0.24968], atol=1e-6)
    assert (counts.tokens, counts.unknown) == (1, 0)
    assert default_glove.card.width == 50


def damaged(folder, name):
    source = glove._package_folder()
    folder.mkdir()
    for file in glove.SHA256:
        if file == name:
            shutil.copy(source / file, folder / file)
            with (folder / file).open("r+b") as handle:
                handle.seek(-5, 2)
                byte = handle.read(1)
                handle.seek(-5, 2)
                handle.write(bytes([byte[0] ^ 1]))
        else:
            (folder / file).symlink_to(source / file)
    return folder


@pytest.mark.parametrize("name", sorted(glove.SHA256))
def test_one_changed_bit_is_refused(tmp_path, name):
    with pytest.raises(EmbedError, match="damaged") as caught:
        glove.open_default(damaged(tmp_path / "data", name))
    assert "force-reinstall" in caught.value.hint
    assert name in caught.value.where.file


def test_missing_files_and_package(tmp_path, monkeypatch):
    with pytest.raises(EmbedError, match="unreadable"):
        glove.open_default(tmp_path)
    monkeypatch.setattr(glove, "PACKAGE", "no_such_package_here")
    with pytest.raises(EmbedError, match="not installed"):
        glove.open_glove("", None, EncoderOptions())


def test_nothing_heavy_is_imported():
    code = (
        "import sys, io, pyarrow.csv\n"
        "from taskaff.stages import embed\n"
        "table = pyarrow.csv.read_csv(io.BytesIO(b'text\\nA film!\\n'))\n"
        "embed.open_encoder('glove').encode(table.column(0))\n"
        "bad = {'torch', 'transformers', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_room_is_light_at_import():
    heavy = "any(m in sys.modules for m in ('numpy', 'pyarrow'))"
    code = f"import sys, taskaff.stages.embed\nsys.exit({heavy})"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.data
def test_few_tokens_of_real_reviews_are_unknown(default_glove, shared_data):
    path = shared_data / "sentiment" / "cr" / "data.csv"
    with path.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    _, counts = default_glove.encode(pa.array(texts))
    assert counts.unknown < 0.005 * counts.tokens
    assert counts.empty == 0
