"""Sets of two texts, and sets whose label is a number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial

from common import (
    TSV,
    Cleaning,
    Row,
    Sets,
    Source,
    bracketed,
    coded,
    columns,
    fields,
    number,
)

SETS = Sets(
    Cleaning(entities=True, tags=r"</?(br|p|b|i|em|strong|a|blockquote)\b[^<>]*>"), wanted=bool
)
ANSWER = coded("1 answer, 0 other")


def sentence(text: str) -> str | None:
    return text if len(text.split()) >= 3 else None


def unescaped(text: str) -> str:
    """Quotation marks and dashes of which only the code, such as u2019, is left."""
    return re.sub(r"u(20(?:1[0-9]|2[0-6]))", lambda code: chr(int(code[1], 16)), text)


SETS.readers.update(
    convincing_argument_pairs=columns(
        "a1", "a2", label="label", value=coded("a1 first, a2 second"), **TSV
    ),
    healthver_claim_evidence=columns("claim", "evidence", label="label"),
    trecqa_answer_sentence=columns("qtext", "atext", label="label", value=ANSWER, edit=bracketed),
    snli_sample=fields("\t", 1, 2, label=0, width=3),
    reg_emobank_valence=columns("text", label="V", value=number, edit=sentence),
    reg_emobank_arousal=columns("text", label="A", value=number, edit=sentence),
    reg_humor_rating=columns("text", label="humor_rating", value=number),
    reg_offense_rating=columns("text", label="offense_rating", value=number),
    reg_argument_convincingness=columns("argument", label="rank", value=number, **TSV),
    reg_reaction_empathy=columns("essay", label="empathy", value=number),
    reg_reaction_distress=columns("essay", label="distress", value=number),
)
for site in ("stackexchange", "wikipedia"):
    SETS.readers[f"reg_politeness_{site}"] = columns(
        "Request", label="Normalized Score", value=number, edit=unescaped
    )


# ---- pairs with a class -------------------------------------------------------------------------


@SETS.add
def medical_question_pairs(source: Source) -> Iterator[Row]:
    labels = coded("1 similar, 0 different")
    for _, first, second, label in source.rows():
        yield first, second, labels(label.strip())


@SETS.add
def perspectrum_stance(source: Source) -> Iterator[Row]:
    claims, pool = source.json()
    texts = {perspective["pId"]: perspective["text"] for perspective in pool}
    for claim in claims:
        for cluster in claim["perspectives"]:
            stance = cluster["stance_label_3"].lower()
            if stance in ("support", "undermine"):
                for key in cluster["pids"]:
                    yield texts.get(key), claim["text"], stance


@SETS.add
def fnc1_headline_body(source: Source) -> Iterator[Row]:
    stances, bodies = (source.records([path]) for path in source.paths)
    body = {record["Body ID"]: record["articleBody"] for record in bodies}
    for record in stances:
        yield record["Headline"], body[record["Body ID"]], record["Stance"].strip().lower()


@SETS.add
def medical_question_entailment(source: Source) -> Iterator[Row]:
    labels = coded("true entailed, false not entailed")
    pair = r'<pair\b[^>]*value="(\w+)"[^>]*>\s*<chq>(.*?)</chq>\s*<faq>(.*?)</faq>'
    for _, text in source.texts():
        for value, asked, known in re.findall(pair, text, flags=re.DOTALL):
            if SETS.clean(asked).lower() != SETS.clean(known).lower():
                yield asked, known, labels(value.lower())


@SETS.add
def wikiqa_answer_sentence(source: Source) -> Iterator[Row]:
    records = list(source.records(**TSV))
    answered = {record["Question"] for record in records if record["Label"].strip() == "1"}
    for record in records:
        if record["Question"] in answered:
            yield record["Question"], record["Sentence"], ANSWER(record["Label"].strip())


@SETS.add
def monotonicity_entailment(source: Source) -> Iterator[Row]:
    for record in source.records(**TSV):
        if "GLUE" not in record["genre"]:
            yield record["sentence1"], record["sentence2"], record["gold_label"].strip().lower()


@SETS.add
def mctest_story_statement(source: Source) -> Iterator[Row]:
    for statements, answers in zip(source.paths[::2], source.paths[1::2], strict=True):
        lines, keys = source.lines([statements]), source.lines([answers])
        for line, key in zip(lines, keys, strict=True):
            parts = line.split("\t")
            for question, right in enumerate(key.split()):
                story = parts[2].replace("\\newline", " ").replace("\\tab", " ")
                start = 4 + 5 * question  # a question is followed by its four statements
                for letter, statement in zip("ABCD", parts[start : start + 4], strict=True):
                    yield story, statement, "true" if letter == right else "false"


@SETS.add
def boolq_passage_question(source: Source) -> Iterator[Row]:
    labels = coded("True yes, False no")
    for entry in source.json_lines():
        part = entry["evidences"][0]
        part = part[0] if isinstance(part, list) else part
        yield part["text"], entry["query"], labels(entry["classification"])


@SETS.add
def fever_claim_evidence(source: Source) -> Iterator[Row]:
    for entry in source.json_lines():
        evidence = " ".join(part["text"] for group in entry["evidences"] for part in group)
        yield entry["query"], bracketed(evidence), entry["classification"].lower()


@SETS.add
def pubmedqa_abstract_question(source: Source) -> Iterator[Row]:
    for entries in source.json():
        for entry in entries.values():
            yield " ".join(entry["CONTEXTS"]), entry["QUESTION"], entry["final_decision"]


@SETS.add
def clinical_trial_entailment(source: Source) -> Iterator[Row]:
    archive = source.archive()
    names = [name for name in archive.namelist() if "__MACOSX" not in name]
    trials = {name.rsplit("/", 1)[-1]: name for name in names if "NCT" in name}
    for part in ("train", "dev"):
        for entry in json.loads(archive.read(f"training_data/{part}.json")).values():
            keys = filter(None, (entry["Primary_id"], entry.get("Secondary_id")))
            records = [json.loads(archive.read(trials[f"{key}.json"])) for key in keys]
            sections = [" ".join(map(str.strip, record[entry["Section_id"]])) for record in records]
            if len(sections) == 2:  # room for both within the length of a text
                sections = [f"Trial {n}: {text[:1950]}" for n, text in enumerate(sections, 1)]
            yield " ".join(sections), entry["Statement"], entry["Label"].strip().lower()


# ---- numbers ------------------------------------------------------------------------------------


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@SETS.add
def reg_commitment_bank(source: Source) -> Iterator[Row]:
    for record in source.records():
        answers = [float(part) for part in record["Reponses"].split(",") if part.strip()]
        yield f"{record['Context']} {record['Target']}", record["Prompt"], mean(answers)


@SETS.add
def reg_lexical_complexity(source: Source) -> Iterator[Row]:
    for record in source.records(**TSV):
        if record["token"]:
            label = number(record["complexity"])
            yield f"{record['token']}: {record['sentence']}", label


@SETS.add
def reg_readability_clear(source: Source) -> Iterator[Row]:
    head, *rows = next(iter(source.sheets().values()))
    column = {re.sub(r"\W+", " ", name).strip().lower(): key for key, name in head.items()}
    for row in rows:
        yield row.get(column["excerpt"]), number(row.get(column["bt_easiness"], ""))


def facebook(source: Source, name: str) -> Iterator[Row]:
    for record in source.records():
        ratings = [float(record[f"{name}{rater}"]) for rater in (1, 2)]
        yield record["Anonymized Message"], mean(ratings)


SETS.readers.update(
    reg_facebook_valence=partial(facebook, name="Valence"),
    reg_facebook_arousal=partial(facebook, name="Arousal"),
)


@SETS.add
def reg_finance_headline_sentiment(source: Source) -> Iterator[Row]:
    for entries in source.json():
        for entry in entries:
            yield f"{entry['company']}: {entry['title']}", float(entry["sentiment"])
