"""Sets of opinions, emotions, hate speech, persuasion and spoken acts."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from common import (
    Cleaning,
    Row,
    Sets,
    Source,
    bracketed,
    coded,
    columns,
    fields,
    replacing,
    unquoted,
)

SETS = Sets(Cleaning(entities=True, misread=True, tags=r"<br ?/?>"))

# Names of complaints stand in the source for words like "cancel", "book" and "late".
airline = replacing(
    (r"Cancelled Flightl?ation", "cancellation"),
    (r"Cancelled Flightl?ing\b", "cancelling"),
    (r"Cancelled Flightl?ed\b", "cancelled"),
    (r"Cancelled Flights\b", "cancels"),
    (r"Cancelled Flight\w*", "cancel"),
    ("Flight Booking Problems", "booking"),
    ("Late Flight", "late"),
)

EVENTS = (
    "australia_bushfire", "colorado_floods", "colorado_wildfires", "manila_floods",
    "typhoon_yolanda",
)  # fmt: skip
WARES = (
    "apparel", "baby", "camera", "health", "magazines", "music", "software", "sports", "toys",
)  # fmt: skip


def spaced(label: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", label).lower()


def agreed(label: str) -> str | None:
    return None if label == "No agreement" else label.lower().replace("\u2019", "'")


def hateful(share: str) -> str:
    """By the share of raters who say so."""
    return "hate" if float(share) >= 0.5 else "no hate"


def told(label: str) -> str | None:
    """In CrisisLex, "Not labeled" and "Not applicable" name no kind of information."""
    return None if label.startswith("Not ") else label.lower()


SETS.readers.update(
    meld_emotion=columns("Utterance", label="Emotion"),
    meld_sentiment=columns("Utterance", label="Sentiment"),
    emorynlp_emotion=columns("Utterance", label="Emotion"),
    hatecheck_hateful=columns("test_case", label="label_gold"),
    hatecheck_functionality=columns("test_case", label="functionality"),
    multitarget_conan_target=columns("HATE_SPEECH", label="TARGET"),
    fallacy_edu=columns("source_article", label="updated_label"),
    fallacy_climate=columns("source_article", label="logical_fallacies"),
    dreaddit_stress=columns("text", label="label", value=coded("0 not stressed, 1 stressed")),
    dreaddit_subreddit=columns(
        "text",
        label="subreddit",
        value=lambda s: s.replace("_", " "),
        edit=replacing((r"/?\br/\w+", "r/subreddit")),
    ),
    babe_bias=columns("text", label="label_bias", value=agreed, delimiter=";"),
    babe_opinion=columns("text", label="label_opinion", value=agreed, delimiter=";"),
    babe_leaning=columns("text", label="type", delimiter=";"),
    imdb_counterfactual=columns("Text", label="Sentiment", delimiter="\t"),
    deceptive_hotel_reviews=columns("text", label="deceptive"),
    unhealthy_comments=columns("comment", label="healthy", value=coded("0 unhealthy, 1 healthy")),
    us_airline_tweet_sentiment=columns("text", label="airline_sentiment", edit=airline),
    covid_tweet_sentiment=columns(
        "OriginalTweet", label="Sentiment", edit=replacing((r"https?://\S+", ""))
    ),
    stackoverflow_polarity=fields(";", 2, label=1, width=3, edit=unquoted),
    crowdflower_tweet_emotion=fields(",", 1, label=0, width=2, edit=unquoted),
    maptask_dialogue_act=fields("|", 1, label=2, width=3),
    bt_oasis_dialogue_act=fields("|", 1, label=2, width=3, value=spaced),
    sexist_posts=columns("text", label="label_sexist"),
    ethos_hate=columns("comment", label="isHate", value=hateful, delimiter=";"),
    sarcasm_debate_posts=columns(
        "text", label="class", value=coded("sarc sarcastic, notsarc not sarcastic")
    ),
)
for kind in ("emotional_reactions", "interpretations", "explorations"):
    SETS.readers[f"empathy_{kind}"] = columns(
        "response_post", label="level", value=coded("0 none, 1 weak, 2 strong")
    )
for event in EVENTS:
    SETS.readers[f"crisis_{event}_information"] = columns(
        "Tweet Text", label="Information Type", value=told
    )
for ware in WARES:
    SETS.readers[f"reviews_{ware}"] = fields(
        "\t", 1, label=0, width=2, value=coded("0 negative, 1 positive"), edit=bracketed
    )


@SETS.add
def suggestion_mining(source: Source) -> Iterator[Row]:
    labels = coded("0 not a suggestion, 1 suggestion")
    for row in source.rows():
        if len(row) == 3:
            yield row[1].strip().strip('"'), labels(row[2].strip())


@SETS.add
def stormfront_hate(source: Source) -> Iterator[Row]:
    labels = coded("hate hate, noHate no hate")
    table, folder = source.paths
    texts = dict(source.texts([folder]))
    for record in source.records([table]):
        yield texts.get(f"{folder}/{record['file_id']}.txt"), labels(record["label"])


@SETS.add
def isear_emotion(source: Source) -> Iterator[Row]:
    for row in source.rows():
        # Answers in brackets say that there is no answer.
        if len(row) >= 2 and len(SETS.clean(row[1])) >= 15 and not re.match(r"\s*\[", row[1]):
            label = row[0].strip().lower()
            yield row[1], {"guit": "guilt"}.get(label, label)


@SETS.add
def stackoverflow_emotion(source: Source) -> Iterator[Row]:
    marks: dict[str, set[str]] = {}
    for sheet, table in source.sheets().items():
        emotion = sheet.split("_")[0].lower()
        for row in table[1:]:
            if "D" in row:
                marked = marks.setdefault(row["D"], set())
                if row.get("H", "").strip().lower() in ("x", emotion):
                    marked.add(emotion)
    for text, emotions in marks.items():
        if len(emotions) <= 1:
            yield text, next(iter(emotions), "no emotion")


def target_sentiment(source: Source) -> Iterator[Row]:
    """Groups of three lines: a text with $T$ for the target, the target, its polarity."""
    labels = coded("-1 negative, 0 neutral, 1 positive")
    for path in source.paths:
        lines = iter(source.lines([path]))
        for text, target, polarity in zip(lines, lines, lines, strict=False):
            target = target.strip()
            yield f"{target} : {text.replace('$T$', target)}", labels(polarity.strip())


SETS.readers.update(
    semeval14_laptop_aspect=target_sentiment,
    semeval14_restaurant_aspect=target_sentiment,
    twitter_target_sentiment=target_sentiment,
)


@SETS.add
def semeval14_restaurant_category(source: Source) -> Iterator[Row]:
    for _, content in source.files():
        for sentence in ElementTree.fromstring(content).iter("sentence"):
            found = {part.get("category", "") for part in sentence.iter("aspectCategory")}
            if len(found) == 1:
                yield sentence.findtext("text"), found.pop().replace("/", " or ")


@SETS.add
def sentihood_aspect_sentiment(source: Source) -> Iterator[Row]:
    for entries in source.json():
        for entry in entries:
            for opinion in entry["opinions"]:
                about = f"{opinion['target_entity']} , {opinion['aspect']}"
                yield f"{about} : {entry['text']}", opinion["sentiment"].lower()


def sarcastic_replies(source: Source) -> Iterator[Row]:
    labels = coded("SARCASM sarcastic, NOT_SARCASM not sarcastic")
    for entry in source.json_lines():
        yield entry["response"], labels(entry["label"])


SETS.readers.update(
    sarcasm_reddit_replies=sarcastic_replies, sarcasm_twitter_replies=sarcastic_replies
)


@SETS.add
def isarcasm_sarcastic(source: Source) -> Iterator[Row]:
    labels = coded("0 not sarcastic, 1 sarcastic")
    for path, column in zip(source.paths, ("tweet", "text"), strict=True):
        for record in source.records([path]):
            yield record[column], labels(record["sarcastic"])


@SETS.add
def conan_counterspeech_type(source: Source) -> Iterator[Row]:
    for record in source.records():
        english = record["cn_id"].startswith("EN") or record["cn_id"].endswith("T1")
        if english and "," not in record["cnType"]:
            yield record["counterSpeech"], record["cnType"].lower()


@SETS.add
def us_airline_tweet_complaint(source: Source) -> Iterator[Row]:
    for record in source.records():
        reason = record["negativereason"]
        if record["airline_sentiment"] == "negative" and reason != "Can't Tell":
            yield airline(record["text"]), reason.lower().replace("longlines", "long lines")


@SETS.add
def cams_distress_cause(source: Source) -> Iterator[Row]:
    causes = coded(
        "0 no reason, 1 bias or abuse, 2 jobs and career, 3 medication, 4 relationship, "
        "5 alienation"
    )
    for record in source.records():
        found = (record.get(name) for name in ("cause", "ANNOTATIONS", "Annotations"))
        cause = next(filter(None, found), "")
        yield record["selftext"], causes(cause.strip().replace(".0", ""))


def politeness(source: Source) -> Iterator[Row]:
    records = source.records()
    requests = sorted((float(r["Normalized Score"]), r["Request"]) for r in records)
    quarter = len(requests) // 4
    for _, text in requests[:quarter]:
        yield text, "impolite"
    for _, text in requests[-quarter:]:
        yield text, "polite"


SETS.readers.update(politeness_wikipedia=politeness, politeness_stackexchange=politeness)


class PlainUnpickler(pickle.Unpickler):
    """Reads lists and strings only: a pickle that names a class or a function could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"refused {module}.{name}")


@SETS.add
def humor_oneliners(source: Source) -> Iterator[Row]:
    labels = ("one-liner joke", "proverb", "encyclopedia sentence")
    for (_, content), label in zip(source.files(), labels, strict=True):
        for text in PlainUnpickler(io.BytesIO(content), encoding="utf-8").load():
            text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            # Capitals and punctuation would tell the origin.
            yield re.sub(r"[^a-z0-9'$%]+", " ", text.lower()), label
