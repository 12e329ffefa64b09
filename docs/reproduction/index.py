"""Fill the summary from the documents of all results: python docs/reproduction/index.py"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import _kit as kit


def filled(page: str) -> str:
    """The summary with the claims of every document."""
    found: list[kit.Claim] = []
    for path in kit.scripts():
        result = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        claims = kit.load(path).claims(result)
        named = f"[{path.stem.replace('_', ' ')}]({path.stem}.md)"
        found += [replace(claim, result=f"{claim.result}, {named}") for claim in claims]
    counts = Counter(claim.verdict for claim in found)
    words = ", ".join(f"{verdict} {n}" for verdict, n in counts.most_common())
    total = f"{len(found)} statements of the papers: {words}."
    return kit.fill(page, {"counts": total, "claims": kit.claim_table(found)})


if __name__ == "__main__":
    index = kit.HERE / "index.md"
    index.write_text(filled(index.read_text(encoding="utf-8")), encoding="utf-8")
