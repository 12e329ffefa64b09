"""How a result is written, apart from the format itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Settings of the formats for people; the formats for machines always hold everything.

    ``explain`` adds the sentence of every score, ``color`` allows terminal colours, ``width`` is
    the number of columns, ``quiet`` asks for the verdicts alone, ``verbose`` for the numbers behind
    them.
    """

    explain: bool = False
    color: bool = False
    width: int = 100
    quiet: bool = False
    verbose: bool = True
