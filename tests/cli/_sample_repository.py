"""A repository with a mix of two tasks and five candidates, written by a seeded generator.

The texts are those of the made-up examples' generator; a fifth of the labels of reviews are turned
round, so that nothing is solved. ``series`` are reviews like those of the mix, with other nouns.
``topics`` are many questions with a hundred fine classes, which crowd a small shared module.
``copied`` holds rows of the mix. ``tiny`` has eight rows. ``broken`` is no CSV. Some made sentences
differ in a word only, so that an eighth of a set are near copies of another's.
"""

from __future__ import annotations

import csv
import random

import make_examples as make

SERIES = ["series", "episode", "season", "pilot", "finale", "script", "cast", "story", "host"]
CANDIDATES = ("series", "topics", "copied", "tiny", "broken")
MIX = ("films", "books")

LIMITS = """
[check]
recipe = "concat"
probability_negative = { warn = 0.3, fail = 0.6 }
overlap = { fail = 0.2 }
max_loss_increase = 0.05
directions = "into-mix"
"""


def write(folder, signatures=False):
    """Write data and ``taskaff.toml``; with ``signatures``, the mix is expected as ``.taskaff``."""
    for name, rows in tables().items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])
    (folder / "broken.csv").write_text('text,label\n"an open quote,positive\n', encoding="utf-8")
    configure(folder, ".taskaff" if signatures else ".csv")


def configure(folder, suffix, more=""):
    """``taskaff.toml`` with every data set declared."""
    names = [*MIX, *CANDIDATES]
    paths = {name: name + (suffix if name in MIX else ".csv") for name in names}
    sections = [f'[datasets.{name}]\npath = "{path}"\n' for name, path in paths.items()]
    mix = ", ".join(f'"{name}"' for name in MIX)
    text = "".join(sections) + f"[mix]\ndatasets = [{mix}]\n" + LIMITS + more
    (folder / "taskaff.toml").write_text(text, encoding="utf-8")


def tables():
    """Name to rows."""
    rng = random.Random(4)

    def reviews(nouns, count):
        return [(text, noisy(rng, label)) for text, label in drawn(rng, make, nouns, count)]

    films = reviews(make.FILM, 1000)
    return {
        "films": films,
        "books": reviews(make.BOOK, 1000),
        "series": reviews(SERIES, 1000),
        "topics": distinct(lambda: topic(rng, make), 4000),
        "copied": films[:200] + reviews(SERIES, 400),
        "tiny": reviews(SERIES, 8),
    }


def drawn(rng, make, nouns, count):
    """``count`` reviews."""
    return distinct(lambda: make.review(rng, nouns), count)


def noisy(rng, label):
    """The label, or in one case of five the other one."""
    other = {"positive": "negative", "negative": "positive"}
    return other[label] if rng.random() < 0.2 else label


def topic(rng, make):
    """A question of which the class is what it asks about, and where."""
    thing, land = rng.choice(make.THING.split("|")), rng.choice(make.LAND)
    place, unit = rng.choice(make.PLACE), rng.choice(make.UNIT)
    text = f"how many {unit} from the {place} of {land} to the {thing} ?"
    return text, f"{thing} in {land}"


def distinct(draw, count):
    """``count`` rows of different texts."""
    found = {}
    while len(found) < count:
        text, label = draw()
        found.setdefault(text, label)
    return list(found.items())
