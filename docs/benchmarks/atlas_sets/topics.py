"""Sets of topics, intents, sentence roles, dialogue acts, authors and kinds of software text."""

from __future__ import annotations

import csv
import gzip
import html
import io
import random
import re
from collections import defaultdict
from collections.abc import Iterator

from common import (
    Cleaning,
    Reader,
    Row,
    Sets,
    Source,
    Value,
    bracketed,
    coded,
    columns,
    fields,
    in_english,
    numbered,
    replacing,
    sampled,
)

SETS = Sets(
    Cleaning(lost="", lines=True),
    wanted=in_english,
    # One act has most of the utterances and would drown the others.
    most={"mrda_dialogue_acts": 6000, "switchboard_dialogue_acts": 6000},
)

# The numbers of biomedical_title_topics are named after the most typical words of their titles.
BIOMEDICAL = numbered(
    "aging, cats, chemistry, erythrocytes, glucose, insulin, lung, lymphocytes, mathematics, "
    "escherichia coli, myocardium, norepinephrine, potassium, prognosis, risk, skin, sodium, "
    "spleen, swine, temperature"
)
SNIPPETS = numbered(
    "business, computers, culture arts entertainment, education science, engineering, health, "
    "politics society, sports"
)
REQUIREMENTS = coded(
    "F functional, A availability, FT fault tolerance, L legal, LF look and feel, "
    "MN maintainability, O operational, PE performance, PO portability, SC scalability, "
    "SE security, US usability"
)
UNFAIR = coded(
    "A arbitration, CH unilateral change, CR content removal, J jurisdiction, LAW choice of law, "
    "LTD limitation of liability, TER unilateral termination, USE contract by using"
)
AUTHORS = coded("EAP Edgar Allan Poe, HPL H. P. Lovecraft, MWS Mary Shelley")


# ---- tables and lines ---------------------------------------------------------------------------


def well_formed(share: str) -> str | None:
    """By the share of raters who say so; about half of them say neither."""
    if 0.5 <= float(share) <= 0.7:
        return None
    return "well formed" if float(share) > 0.6 else "not well formed"


def comment(text: str) -> str:
    return re.sub(r"<[^>]*>", " ", html.unescape(text)).replace("\ufeff", "")


TAGS = "bug|feature|question|request|issue|enhancement|proposal|rfc|idea|support"
OPENINGS = (
    "bug( report)?|feature( request)?|question|issue|enhancement|proposal|suggestion|request|rfc"
)
untagged = replacing(  # the title of an issue without what names its type
    (rf"(?i)\[[^\]]*({TAGS})[^\]]*\]|\([^)]*(bug|feature request|question)[^)]*\)", " "),
    (rf"(?i)^\W*({OPENINGS})\s*[:\-|]+", " "),
    (r"^[\s:\-|]+", ""),
)


def before_dash(label: str) -> str:
    return label.split(" - ")[0].lower()


SETS.readers.update(
    covid_question_categories=columns("Question", label="Category", value=before_dash),
    symptom_to_disease=columns("text", label="label"),
    youtube_comment_spam=columns(
        "CONTENT", label="CLASS", value=coded("0 ham, 1 spam"), edit=comment
    ),
    github_issue_types=columns("title", label="label", edit=untagged),
    email_request_intent=fields(
        "\t",
        1,
        label=0,
        width=2,
        value=coded("Yes request, No no request"),
        edit=lambda text: text.strip().strip('"'),
    ),
    search_snippet_topics=fields("\t", 1, label=0, width=2, value=SNIPPETS),
    biomedical_title_topics=fields("\t", 1, label=0, width=2, value=BIOMEDICAL),
    nicta_piboso_sentence_roles=fields("\t", 1, label=0, width=2),
    legal_rhetorical_roles=fields("\t", 0, label=1, width=2),
    query_wellformedness=fields("\t", 0, label=1, width=2, value=well_formed),
)


@SETS.add
def hwu64_intents(source: Source) -> Iterator[Row]:
    for texts, labels in zip(source.paths[::2], source.paths[1::2], strict=True):
        for text, label in zip(source.lines([texts]), source.lines([labels]), strict=True):
            yield text, label.replace("_", " ")


@SETS.add
def ml_project_tags(source: Source) -> Iterator[Row]:
    for record in source.records():
        yield f"{record['title']}. {record['description']}", record["tag"]


@SETS.add
def csabstruct_sentence_roles(source: Source) -> Iterator[Row]:
    for abstract in source.json_lines():
        yield from zip(abstract["sentences"], abstract["labels"], strict=True)


def acts(column: int) -> Reader:
    """Folders of utterances, speaker|text|act..., and a last path that names the acts."""

    def read(source: Source) -> Iterator[Row]:
        *folders, names = source.paths
        pairs = (line.split("|", 1) for line in source.lines([names]) if "|" in line)
        meaning = {code.strip(): name.strip().lower() for name, code in pairs}
        for line in source.lines(folders):
            parts = line.strip().split("|")
            if len(parts) > column:
                yield parts[1], meaning.get(parts[column].strip(), parts[column])

    return read


SETS.readers.update(switchboard_dialogue_acts=acts(2), mrda_dialogue_acts=acts(3))


@SETS.add
def cefr_sentence_levels(source: Source) -> Iterator[Row]:
    levels = numbered("A1, A2, B1, B2, C1, C2")
    for text, first, second in source.split("\t", 3):
        if first.strip() == second.strip():
            yield text, levels(first.strip())


@SETS.add
def onestop_reading_level(source: Source) -> Iterator[Row]:
    for block in re.split(r"\n\*{3,}\n?", "\n".join(source.lines())):
        pair = [line for line in block.split("\n") if line.strip()]
        if len(pair) == 2:
            yield from zip(pair, ("advanced", "elementary"), strict=True)


@SETS.add
def software_requirement_types(source: Source) -> Iterator[Row]:
    for line in source.lines():
        found = re.match(r"\s*\d+\s*,\s*(['\"])(.*)\1\s*,\s*'?([A-Z]{1,2})'?\s*$", line)
        if found:
            text = found[2].replace("\\'", "'").replace('\\"', '"')
            yield text, REQUIREMENTS(found[3])


# ---- folders ------------------------------------------------------------------------------------


def by_path(
    pattern: str, value: Value = str, edit: Value = str, encoding: str | None = None
) -> Reader:
    """A text a file; the group of the pattern in the path tells the label."""

    def read(source: Source) -> Iterator[Row]:
        for path, text in source.texts(encoding=encoding):
            found = re.search(pattern, path)
            if found:
                yield edit(text), value(found[1])

    return read


SETS.readers.update(
    bbc_news_sections=by_path(
        r"/([a-z]+)/\d+\.txt$", edit=replacing(("\n{2,}", "\n")), encoding="utf-8"
    ),
    lingspam_emails=by_path(
        r"/(spmsg|)[^/]*\.txt$",
        lambda spam: "spam" if spam else "linguist list",
        encoding="latin-1",
    ),
)


@SETS.add
def shakespeare_or_modern(source: Source) -> Iterator[Row]:
    labels = coded("modern modern, original shakespeare")
    for path, text in source.texts():
        found = re.search(r"_(modern|original)\.snt\.aligned$", path)
        if found:
            for line in text.split("\n"):
                yield line, labels(found[1])


@SETS.add
def essay_argument_components(source: Source) -> Iterator[Row]:
    for path, text in source.texts():
        if path.endswith(".ann"):
            pattern = r"^T\d+\t(MajorClaim|Claim|Premise) [\d ;]+\t(.*)"
            for kind, span in re.findall(pattern, text, re.MULTILINE):
                yield span, {"MajorClaim": "major claim"}.get(kind, kind.lower())


def paragraphs(book: str) -> Iterator[str]:
    """Paragraphs of the middle of a book: what stands around it is not the author's."""
    book = book.replace("\r", "")
    edge = len(book) // 20
    for part in re.split(r"\n\s*\n", book[edge : len(book) - edge])[1:-1]:
        text = re.sub(r"\s+", " ", part).strip()
        if 200 <= len(text) <= 1500 and "gutenberg" not in text.lower():
            yield text


@SETS.add
def gutenberg_paragraph_authors(source: Source) -> Iterator[Row]:
    found: dict[str, list[str]] = defaultdict(list)
    for path, text in source.texts():
        name = re.search(r"/([^/]+?)___", path)
        if name and "Poe" not in name[1]:
            found[name[1]].extend(paragraphs(text))
    for author in sorted(found):
        for text in sampled(found[author], 900):
            yield text, author


@SETS.add
def tos_unfair_clauses(source: Source) -> Iterator[Row]:
    sentences, *folders = source.paths
    kinds = defaultdict(set)
    for folder in folders:
        for path, text in source.texts([folder]):
            for n, mark in enumerate(text.split("\n")):
                if mark.strip() == "1":
                    kinds[path.rsplit("/", 1)[1], n].add(UNFAIR(folder.rpartition("_")[2]))
    fair = []
    for path, text in source.texts([sentences]):
        for n, line in enumerate(text.split("\n")):
            found = kinds[path.rsplit("/", 1)[1], n]
            if len(found) == 1:
                yield bracketed(line), *found
            elif not found and len(line.split()) >= 6:
                fair.append((bracketed(line), "not unfair"))
    yield from random.Random(0).sample(fair, 1200)


# ---- archives and workbooks ---------------------------------------------------------------------


@SETS.add
def clickbait_headlines(source: Source) -> Iterator[Row]:
    for (_, content), label in zip(source.files(), ("clickbait", "news"), strict=True):
        for line in gzip.decompress(content).decode("utf-8", "replace").split("\n"):
            yield line, label


def zipped(source: Source, name: str) -> Iterator[dict[str, str]]:
    text = source.archive().read(name).decode("utf-8", "replace")
    return csv.DictReader(io.StringIO(text, newline=""))


@SETS.add
def spooky_authors(source: Source) -> Iterator[Row]:
    for record in zipped(source, "train.csv"):
        yield record["text"], AUTHORS(record["author"])


@SETS.add
def satd_comment_types(source: Source) -> Iterator[Row]:
    debts, others = [], set()
    for record in zipped(source, "technical_debt_dataset.csv"):
        kind = record["classification"].strip()
        if kind == "WITHOUT_CLASSIFICATION":
            others.add((record["commenttext"], "none"))
        else:
            debts.append((record["commenttext"], f"{kind.lower()} debt"))
    yield from debts
    yield from sampled(sorted(others), len(debts))


@SETS.add
def app_review_kinds(source: Source) -> Iterator[Row]:
    first = next(iter(source.sheets().values()))
    for row in first[1:]:
        yield row.get("B"), row.get("C", "").strip().lower()
