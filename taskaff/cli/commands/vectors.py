"""``taskaff vectors``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from taskaff.cli.help import Commands
from taskaff.cli.streams import write_facts

if TYPE_CHECKING:
    from taskaff.stages.embed.wordfiles import WordVectorInfo

app = Commands("Look at word-vector files and convert them.", "vectors info glove.6B.300d.txt")

Source = Annotated[str, Argument(metavar="FILE", help="Word vectors: text, word2vec, .gz, .zip.")]
Json = Annotated[bool, Option("--json", help="Print JSON.")]


@app.add("vectors info glove.840B.300d.zip")
def info(source: Source, json: Json = False) -> None:
    """Read a word-vector file and show what it holds."""
    from taskaff.stages import embed

    _print(embed.describe(source), json)


@app.add("vectors convert glove.6B.300d.txt -o glove.safetensors")
def convert(
    source: Source,
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", help="Where to.")],
    json: Json = False,
) -> None:
    """Convert a word-vector file into one that opens at once.

    What it writes is used with --encoder glove:FILE.
    """
    from taskaff.cli.files import check_suffix, check_target
    from taskaff.stages import embed

    check_suffix(output, "FILE.safetensors", "converted vectors are")
    check_target(output, [source])
    _print(embed.convert(source, output), json)


def _print(info: WordVectorInfo, json: bool) -> None:
    facts = asdict(info)
    write_facts(facts if json else {name.replace("_", " "): facts[name] for name in facts}, json)
