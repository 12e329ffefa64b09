"""``taskaff explain``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Annotated

from typer import Argument

from taskaff.cli.streams import width, write

EXAMPLES = ("explain result.json", "explain result.json 'films->books'")

Result = Annotated[Path, Argument(metavar="RESULT.json", help="What -o RESULT.json wrote.")]
Names = Annotated[
    list[str] | None,
    Argument(metavar="PAIR", help="'a->b', or two names, or one; all data sets by default."),
]


def explain(result: Result, pair: Names = None) -> None:
    """Say why an answer is what it is, and what would change it.

    Reads the JSON result of score, probe or check; nothing is computed again.
    """
    from taskaff.stages.report.escape import guard
    from taskaff.stages.report.explain import explain as paragraphs

    told = paragraphs(_read(result), tuple(pair or ()))
    write(guard("\n\n".join(_laid_out(text, width()) for text in told) + "\n"))


def _laid_out(paragraph: str, columns: int) -> str:
    """Sentences in lines that fit; commands, which are indented, on one line each."""
    from taskaff.stages.report.escape import terminal

    return "\n".join(
        terminal(line)
        if line.startswith("  ")
        else textwrap.fill(terminal(line), columns, break_long_words=False, break_on_hyphens=False)
        for line in paragraph.split("\n")
    )


def _read(path: Path) -> object:
    """What a JSON file holds.

    Raises
    ------
    UsageError : a file that cannot be read, or that is not JSON.
    """
    from taskaff.core.errors import UsageError

    hint = "taskaff score, probe or check with -o RESULT.json writes one"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {error}", hint=hint) from error
