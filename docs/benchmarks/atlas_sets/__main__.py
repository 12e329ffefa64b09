"""Makes the data sets of the atlas from public repositories, each at a pinned commit.

    python docs/benchmarks/atlas_sets CLONES OUT [NAME ...]
    python docs/benchmarks/atlas_sets --list [CLONES]
    python docs/benchmarks/atlas_sets --related

CLONES holds the clones as CLONES/OWNER/NAME, work trees or bare repositories; a missing one is
named with the line that brings it, and `--list` prints these lines for all repositories. Every
set, or each one named, becomes OUT/NAME/data.csv with the columns text (and text_b, in sets of
pairs) and label. `sources.tsv` says where each set comes from, under which licence, and what it
holds. Nothing from the clones is run.

Its columns `domain` (of the texts) and `label` (the kind of label), which `shared.tsv` has for the
sets of the first build, say which sets are related: `--related` prints for every set how many of
the others have one of the two in common with it.

No copy of these sets, whole or in part, may come in, so that the predictor can be checked on them:
ATIS, Banking77, 20 Newsgroups, Reuters, StackOverflow titles, LIAR, SICK, Medical Abstracts,
Ohsumed, SciCite, SciERC relations, TweetEval's hate and its stance on abortion, climate and
Clinton, CrisisLex's Oklahoma, Sandy and West Texas, the airline reviews of Skytrax, the DVD and
kitchen reviews of Blitzer et al., VADER's New York Times, and the product, film and restaurant
sentences of Kotzias et al., which ship as examples.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import opinion
import pairs
import topics
from common import Sets, Source, git, write
from related import related, table

SETS: dict[str, Sets] = {
    name: module.SETS for module in (opinion, topics, pairs) for name in module.SETS.readers
}


def sources(clones: Path) -> dict[str, Source]:
    return {
        line["name"]: Source(
            line["name"], line["repository"], line["commit"], line["paths"].split("|"), clones
        )
        for line in table("sources.tsv")
    }


def clone_line(repository: str, clones: Path) -> str:
    return f"git clone https://github.com/{repository} {shlex.quote(str(clones / repository))}"


def lacking(chosen: Iterable[Source], clones: Path) -> list[str]:
    """The commands that bring the clones and commits that are not there."""
    pins = sorted({(source.repository, source.commit) for source in chosen})
    commands = []
    for repository, commit in pins:
        clone = clones / repository
        if not (clone / ".git").exists() and not (clone / "HEAD").exists():  # neither kind
            commands.append(clone_line(repository, clones))
            continue
        try:
            git(clone, "cat-file", "-e", f"{commit}^{{commit}}")
        except subprocess.CalledProcessError:
            commands.append(f"git -C {shlex.quote(str(clone))} fetch origin {commit}")
    return commands


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="atlas_sets", description="Makes the data sets of the atlas from clones."
    )
    parser.add_argument("clones", type=Path, nargs="?", metavar="CLONES")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT")
    parser.add_argument("names", nargs="*", metavar="NAME", help="sets to make; all without")
    parser.add_argument("--list", action="store_true", help="print the clone lines and stop")
    parser.add_argument("--related", action="store_true", help="count related sets and stop")
    asked = parser.parse_args()
    if not (asked.list or asked.related) and asked.out is None:
        parser.error("give CLONES and OUT, or --list, or --related")
    unknown = sorted(set(asked.names) - set(SETS))
    if unknown:
        parser.error(f"no such set: {', '.join(unknown)}")
    return asked


def main() -> None:
    asked = arguments()
    if asked.related:
        print("\n".join(f"{len(others)}\t{name}" for name, others in related().items()))
        return
    clones = asked.clones or Path("CLONES")
    known = sources(clones)
    if asked.list:
        repositories = {source.repository for source in known.values()}
        print("\n".join(clone_line(name, clones) for name in sorted(repositories)))
        return
    chosen = [known[name] for name in asked.names or known]
    commands = lacking(chosen, clones)
    if commands:
        sys.exit("\n".join(["Missing clones or commits; these commands bring them:", *commands]))
    for source in chosen:
        rows = SETS[source.name].make(source)
        write(rows, asked.out / source.name / "data.csv")
        print(f"{source.name}: {len(rows)} rows", flush=True)


if __name__ == "__main__":
    main()
