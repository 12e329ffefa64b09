"""``taskaff init``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from taskaff.cli.streams import say

EXAMPLES = ("init", "init films.csv nli=data/nli.parquet", "init --mix a.csv --mix b.csv new.csv")

Datasets = Annotated[
    list[str] | None, Argument(metavar="DATA", help="PATH or NAME=PATH to list in the file.")
]
Mix = Annotated[
    list[str] | None,
    Option(metavar="DATA", help="A task of the mix; the other data sets are candidates."),
]
Force = Annotated[bool, Option("--force", help="Overwrite a taskaff.toml that is there.")]

HEAD = """\
# Settings of taskaff. The command line and TASKAFF_* variables come before this file;
# `taskaff schema config` prints the JSON Schema of all keys. Paths are relative to this file.
version = 1

[embed]
encoder = "glove"           # or "glove:PATH", "st:MODEL", "hf:MODEL"
# device = "auto"           # cpu, cuda, cuda:1 or mps, for transformers
# offline = true            # never use the network

# [score]
# split = "train"           # train, validation, test or all
# confidence = 0.9          # level of the intervals
# scores = ["covariance_alignment", "overlap"]

"""
NO_DATASETS = """\
# [datasets.reviews]
# path = "data/reviews.csv"   # file, folder of shards, glob, URL or .taskaff signature
# text = "body"               # two columns for pairs: ["premise", "hypothesis"]
# label = "stars"
# label_kind = "classes"      # classes, multilabel, regression or none

# [mix]
# datasets = ["reviews"]
"""
LIMITS = """
[check]
recipe = "turns"            # how the mix is trained: turns, concat, share=0.2, temperature=2
overlap = { fail = 0.01 }   # share of rows that the other data set has too
max_loss_increase = 0.1     # of a task, measured by --probe; 0.05 where sets have 5,000 rows
probability_negative = { warn = 0.5, fail = 0.75 }  # predicted harm; decides for concat alone
"""
NO_LIMITS = "".join(f"# {line}\n" if line else "\n" for line in LIMITS.splitlines())
TAIL = """\

# [[waivers]]
# pair = ["reviews", "tweets"]
# reason = "known overlap, see the data sheet"
# expires = 2030-01-31
"""


def init(datasets: Datasets = None, mix: Mix = None, force: Force = False) -> None:
    """Write a commented taskaff.toml in this folder."""
    from taskaff.core.config import FILE
    from taskaff.core.errors import UsageError

    target = Path(FILE)
    if target.exists() and not force:
        raise UsageError(f"{FILE} exists", hint="taskaff init --force overwrites it")
    from taskaff.cli.files import check_target, whole_file, write_text

    check_target(target, ())
    listing = _listing(_named([*(mix or ()), *(datasets or ())]), len(mix or ()))
    text = HEAD + (listing or NO_DATASETS) + (LIMITS if mix else NO_LIMITS) + TAIL
    with whole_file(target) as temporary:
        write_text(temporary, [text])
    say(f"wrote {FILE}")


def _named(arguments: list[str]) -> dict[str, str]:
    from taskaff.core.errors import UsageError
    from taskaff.stages.data import split_argument
    from taskaff.stages.data.names import task_name

    named: dict[str, str] = {}
    for argument in arguments:
        name, path = split_argument(argument)
        name = name or task_name(path, folder=Path(path).is_dir())
        if name in named:
            found = f"two data sets are called {name!r}"
            raise UsageError(found, hint=f"name one of them: other={path}")
        named[name] = path
    return named


def _listing(named: dict[str, str], mixed: int) -> str:
    """Every data set, and the first ``mixed`` of them as the mix, or all; nothing of nothing."""
    if not named:
        return ""
    sections = [
        f"[datasets.{_string(name)}]\npath = {_string(path)}\n" for name, path in named.items()
    ]
    members = list(named)[: mixed or None]
    mix = f"[mix]\ndatasets = [{', '.join(map(_string, members))}]\n"
    return "\n".join([*sections, mix])


def _string(text: str) -> str:
    """A TOML basic string; JSON's has the same escapes, but leaves DEL alone."""
    from taskaff.core.errors import UsageError

    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError(f"{text!r} is not UTF-8, which TOML must be", hint="rename it")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
