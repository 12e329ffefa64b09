"""Write the made-up data sets of the tests: `python tests/make_examples.py`.

The sentences are put together from word lists by a seeded generator: nobody's data, no licence to
mind, the same bytes every time. Films and books share their sentiment words and differ in their
nouns; questions share neither. A tenth of the reviews say both a good and a bad thing, so that no
task is free of noise; a few reviews stand in both sets, so that there is an overlap to find; and
there are few book reviews, so that films have something to teach them.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

GOOD = """wonderful brilliant charming moving clever funny gripping fresh tender superb delightful
warm honest vivid elegant thrilling witty graceful memorable rich""".split()
BAD = """dull boring clumsy tedious predictable shallow awful lifeless messy bland silly tired
confusing flat weak pointless forced ugly slow hollow""".split()
VERY = ["", "", "very ", "rather ", "truly ", "quite ", "surprisingly ", "often "]
LIKED = ["i enjoyed it", "i would recommend it", "it won me over", "a real pleasure"]
LOATHED = ["i gave up", "i cannot recommend it", "it lost me early", "a waste of time"]

FILM = """film movie director plot acting script cast ending scene performance soundtrack camera
comedy drama thriller documentary""".split()
BOOK = """novel book author chapter prose story character narrator dialogue ending translation
memoir biography poem essay page""".split()
SHARED = ["story", "ending", "dialogue", "adaptation"]

PERSON = ["invented", "wrote", "discovered", "painted", "directed", "founded", "designed"]
THING = """telephone steam engine|light bulb|printing press|first computer|theory of gravity|famous
portrait|national anthem|suspension bridge|radio|compass|microscope|calendar""".replace("\n", " ")
PLACE = """city river mountain desert island lake museum castle harbour volcano""".split()
LAND = """france india brazil japan kenya canada egypt norway chile greece turkey spain""".split()
UNIT = (
    """miles kilometres people years letters islands rivers languages provinces bridges""".split()
)


def review(rng: random.Random, nouns: list[str]) -> tuple[str, str]:
    """One review and its label; one in ten says the opposite thing as well."""
    positive = rng.random() < 0.5
    words, other = (GOOD, BAD) if positive else (BAD, GOOD)
    one, two = rng.sample(nouns, 2)
    text = rng.choice(
        [
            f"the {one} is {rng.choice(VERY)}{rng.choice(words)}",
            f"a {rng.choice(words)} {one} with a {rng.choice(words)} {two}",
            f"{rng.choice(VERY)}{rng.choice(words)} and {rng.choice(words)} from start to finish",
            f"what a {rng.choice(words)} {one} , and the {two} is {rng.choice(words)}",
            f"the {one} felt {rng.choice(words)} , the {two} {rng.choice(VERY)}{rng.choice(words)}",
        ]
    )
    if rng.random() < 0.1:
        text += f" , although the {rng.choice(nouns)} was {rng.choice(other)}"
    elif rng.random() < 0.3:
        text += f" , {rng.choice(LIKED if positive else LOATHED)}"
    return text + " .", "positive" if positive else "negative"


def question(rng: random.Random) -> tuple[str, str]:
    """One question and the kind of its answer."""
    thing, land = rng.choice(THING.split("|")), rng.choice(LAND)
    return rng.choice(
        [
            (f"who {rng.choice(PERSON)} the {thing} ?", "person"),
            (f"who was the first to leave {land} with the {thing} ?", "person"),
            (f"where is the oldest {rng.choice(PLACE)} of {land} ?", "place"),
            (f"in which {rng.choice(PLACE)} of {land} was the {thing} found ?", "place"),
            (f"how many {rng.choice(UNIT)} are there in {land} ?", "number"),
            (f"how old is the {rng.choice(PLACE)} in {land} ?", "number"),
            (f"what is the {thing} made of ?", "thing"),
            (f"what do people in {land} call the {rng.choice(PLACE)} ?", "thing"),
        ]
    )


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    """One CSV with the header ``text,label``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])


def main() -> None:
    """Write the three files into tests/examples."""
    folder = Path(__file__).parent / "examples"
    rng = random.Random(20200426)
    both = [review(rng, SHARED) for _ in range(12)]
    films = list(dict.fromkeys([review(rng, FILM) for _ in range(600)] + both))
    books = list(dict.fromkeys([review(rng, BOOK) for _ in range(60)] + both))
    questions = list(dict.fromkeys(question(rng) for _ in range(500)))
    for name, rows in (("films", films), ("books", books), ("questions", questions)):
        rng.shuffle(rows)
        write(folder / f"{name}.csv", rows)


if __name__ == "__main__":
    main()
