"""``taskaff vectors``."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from taskaff.cli.help import GroupedCommand, LightGroup, example, show_help
from taskaff.cli.streams import write

if TYPE_CHECKING:
    from taskaff.stages.embed.wordfiles import WordVectorInfo

app = typer.Typer(
    cls=LightGroup, rich_markup_mode=None, epilog=example("vectors info glove.6B.300d.txt")
)

Source = Annotated[str, Argument(metavar="FILE", help="Word vectors: text, word2vec, .gz, .zip.")]
Json = Annotated[bool, Option("--json", help="Print JSON.")]
SUFFIX = ".safetensors"


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Look at word-vector files and convert them."""
    show_help(context)


@app.command(cls=GroupedCommand, epilog=example("vectors info glove.840B.300d.zip"))
def info(source: Source, json: Json = False) -> None:
    """Read a word-vector file and show what it holds."""
    from taskaff.stages import embed

    _print(embed.describe(source), json)


@app.command(
    cls=GroupedCommand,
    epilog=example("vectors convert glove.6B.300d.txt -o glove.safetensors"),
)
def convert(
    source: Source,
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", help="Where to.")],
    json: Json = False,
) -> None:
    """Convert a word-vector file into one that opens at once.

    What it writes is used with --encoder glove:FILE.
    """
    from taskaff.cli.files import check_target
    from taskaff.core.errors import UsageError
    from taskaff.stages import embed

    if output.suffix != SUFFIX:
        hint = f"-o {output.with_suffix(SUFFIX)}" if output.name else f"-o FILE{SUFFIX}"
        raise UsageError(f"-o {output}: converted vectors are a {SUFFIX} file", hint=hint)
    check_target(output, [source])
    _print(embed.convert(source, output), json)


def _print(found: WordVectorInfo, json: bool) -> None:
    from taskaff.stages.report.escape import terminal

    facts = asdict(found)
    if json:
        write(json_text.dumps(facts, indent=2, default=str) + "\n")
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        write(f"{name.replace('_', ' '):<{width}}  {terminal(str(value))}\n")
