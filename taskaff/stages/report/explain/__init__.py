"""Why an answer is what it is, and what would change it, out of a stored JSON result.

The stages know the result; this reads the document that ``-o RESULT.json`` wrote, so that a result
of last week, or of another machine, can be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from taskaff.core.errors import UsageError
from taskaff.stages.report.explain.checked import of_check
from taskaff.stages.report.explain.document import Document, Pair, names, parse_pair
from taskaff.stages.report.explain.probed import of_probe
from taskaff.stages.report.explain.scored import of_score

__all__ = ["explain"]

KINDS: dict[str, Callable[[Document, Pair], Iterator[str]]] = {
    "score": of_score,
    "probe": of_probe,
    "check": of_check,
}


def explain(document: Any, words: tuple[str, ...] = ()) -> list[str]:
    """Paragraphs on every data set, or on the data set or pair that ``words`` name.

    Parameters
    ----------
    document : what parsing a JSON result gave.
    words : nothing, ``a``, ``a->b``, or ``a`` and ``b``.

    Raises
    ------
    UsageError : no result of score, probe or check; a name that is not in it.
    """
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in KINDS:
        problem = f"a result of kind {kind!r}" if kind else "no result of taskaff"
        hint = "taskaff score, probe or check with -o RESULT.json writes one"
        raise UsageError(f"{problem}: score, probe and check are explained", hint=hint)
    pair = parse_pair(words, names(document))
    try:
        return list(KINDS[kind](document, pair))
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        problem = (
            f"the result of {kind} is not as taskaff writes it: {type(error).__name__} {error}"
        )
        raise UsageError(problem, hint="write it again with this version of taskaff") from error
