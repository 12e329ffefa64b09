"""``taskaff merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from taskaff.cli.streams import say

EXAMPLES = ("merge shard-1.taskaff shard-2.taskaff -o whole.taskaff",)

Parts = Annotated[list[Path], Argument(metavar="SIGNATURE", help="Two or more .taskaff files.")]
Output = Annotated[Path, Option("--output", "-o", metavar="FILE", help="Where to.")]
Name = Annotated[
    str | None, Option(metavar="NAME", help="Name of the task; the first one's if not given.")
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Say nothing.")]


def merge(parts: Parts, output: Output, name: Name = None, quiet: Quiet = False) -> None:
    """Add up the signatures of a data set's shards."""
    from taskaff.cli.files import check_signature_target
    from taskaff.core.errors import UsageError
    from taskaff.pipeline.merge import merge as merge_files
    from taskaff.stages.signature import save

    if len(parts) < 2:
        raise UsageError("merge takes two or more signatures", hint="taskaff merge A B -o C")
    check_signature_target(output, parts)
    merged = merge_files(parts, name)
    save(merged, output)
    if not quiet:
        say(f"wrote {output}: {merged.rows:,} rows of {merged.name}")
