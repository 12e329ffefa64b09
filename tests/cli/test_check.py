"""``taskaff check`` in this process, on the example data and made-up predictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from paths import EXAMPLES
from stages.gate._evidence import REASONS
from stages.report._formats import check_annotations, check_junit, check_sarif

from taskaff.core.records.estimate import Estimate
from taskaff.core.records.prediction import Prediction

HEAD = """
[datasets.films]
path = "films.csv"
[datasets.books]
path = "books.csv"
[datasets.questions]
path = "questions.csv"
[mix]
datasets = ["films"]
"""
RULES = """
[check]
recipe = "concat"
probability_negative = { warn = 0.3, fail = 0.6 }
overlap = { fail = 0.5 }
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def repository(tmp_path, monkeypatch, direct, cache):
    """``repository(text, harm=P)`` writes taskaff.toml; every prediction of harm is ``P``."""
    for file in EXAMPLES.glob("*.csv"):
        shutil.copy(file, tmp_path)
    monkeypatch.setenv("TASKAFF_CACHE_DIR", str(cache))
    monkeypatch.setenv("GITHUB_ACTIONS", "")

    def write(text=HEAD + RULES, harm=0.1):
        (tmp_path / "taskaff.toml").write_text(text, encoding="utf-8")

        def predict(result, setup, settings, *, pairs):
            names = [(result.names[s], result.names[t]) for s, t in pairs]
            gain = Estimate(0.02 - harm / 10, -0.1, 0.1)
            return tuple(
                Prediction(
                    s, t, gain, harm, 1 - harm, settings.margin, 0.9, "inconclusive", REASONS
                )
                for s, t in names
            )

        monkeypatch.setattr("taskaff.pipeline.prediction.predict", predict)
        return tmp_path

    return write


@pytest.fixture
def check(repository, direct):
    """``check(*arguments, text=..., harm=...)`` runs the command."""

    def run(*arguments, text=HEAD + RULES, harm=0.1):
        repository(text, harm)
        return direct("check", *arguments)

    return run


# ------------------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("harm", "code", "answer"),
    [(0.1, 0, "add it"), (0.4, 0, "add it"), (0.6, 3, "undecided"), (0.9, 1, "keep it apart")],
)
def test_exit_codes(check, harm, code, answer):
    done = check("questions", "-q", harm=harm)
    assert done.returncode == code, done.stderr
    assert done.stdout.startswith(f"questions: {answer}; probability of harm to ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("harm", "options", "code"),
    [
        (0.6, ("--inconclusive", "pass"), 0),
        (0.6, ("--inconclusive", "fail"), 1),
        (0.9, ("--inconclusive", "pass"), 1),
        (0.6, ("--exit-zero",), 0),
        (0.9, ("--exit-zero",), 0),
        (0.6, ("--config", "check.inconclusive=fail"), 1),
        (0.6, ("--config", "check.inconclusive=fail", "--exit-zero"), 0),
    ],
)
def test_what_an_outcome_counts_as(check, harm, options, code):
    assert check("questions", "-q", *options, harm=harm).returncode == code


def test_without_a_name_everything_that_is_declared_and_not_in_the_mix(check):
    document = json.loads(check("--json").stdout)
    assert [task["name"] for task in document["candidates"]] == ["books", "questions"]
    assert [task["name"] for task in document["mix"]] == ["films"]
    assert len(document["predictions"]) == 4


def test_json_follows_the_schema_and_repeats_itself(check, direct):
    schema = json.loads(direct("schema", "result").stdout)
    documents = [json.loads(check("--json", harm=0.5).stdout) for _ in range(2)]
    jsonschema.Draft202012Validator(schema).validate(documents[0])
    for document in documents:
        del document["timings"]
    assert documents[0] == documents[1]


def test_a_candidate_by_path_and_by_signature(check, direct, tmp_path, repository):
    repository()
    assert direct("profile", "questions.csv", "-o", "q.taskaff", "-q").returncode == 0
    for argument in ("questions.csv", "asked=questions.csv", "new=q.taskaff"):
        assert check(argument, "-q").returncode == 0


def test_a_mix_of_signatures_gives_the_same_verdict(check, direct, tmp_path, repository):
    """The normal case in CI: the rows of the mix are not there."""
    rows = json.loads(check("questions", "--json").stdout)
    assert direct("profile", "films.csv", "-o", "films.taskaff", "-q").returncode == 0
    (tmp_path / "films.csv").unlink()
    stored = check("questions", "--json", text=(HEAD + RULES).replace("films.csv", "films.taskaff"))
    assert stored.returncode == 0, stored.stderr
    found = json.loads(stored.stdout)
    assert found["findings"] == rows["findings"]
    assert found["mix"][0]["inputs"] == rows["mix"][0]["inputs"]


def test_explain(check):
    done = check("questions", "--explain", harm=0.9)
    for words in ("rule: the calibrated", "numbers: found 0.90", "moved by: reason 2", "next: "):
        assert words in done.stdout
    assert "rule:" not in check("questions", harm=0.9).stdout


def test_overlap_counts_though_the_prediction_is_good(check):
    text = HEAD + RULES.replace("0.5 }", "0.01 }")
    done = check("books", text=text, harm=0.0)
    assert done.returncode == 1
    assert "overlap of films → books: 16.67% of the rows of books" in done.stdout


def test_limits_on_scores(check):
    text = HEAD + "[check]\nfail_under = { covariance_alignment = 0.5 }\n"
    assert check("books", "-q", text=text).returncode == 0
    assert check("questions", "-q", text=text).returncode == 1


def test_too_few_rows(check, tmp_path):
    text = HEAD + RULES + "min_rows = 73\n"
    done = check("books", text=text)
    assert done.returncode == 3
    assert "books has 72 rows" in done.stdout


# -------------------------------------------------------------------- files, formats


def test_files_by_suffix(check, tmp_path):
    names = ("r.xml", "r.sarif", "r.json", "r.jsonl", "r.csv", "r.md", "r.txt")
    outputs = [argument for name in names for argument in ("-o", name)]
    done = check("-q", *outputs, harm=0.9)
    assert done.returncode == 1
    check_junit((tmp_path / "r.xml").read_text(encoding="utf-8"))
    check_sarif(json.loads((tmp_path / "r.sarif").read_text(encoding="utf-8")))
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["outcome"] == "failed"
    assert (tmp_path / "r.md").read_text(encoding="utf-8").startswith("## ❌")


@pytest.mark.parametrize("format", ["junit", "sarif", "github", "markdown", "csv", "jsonl"])
def test_formats_on_standard_output(check, format):
    done = check("-f", format, harm=0.9)
    assert done.returncode == 1
    assert done.stdout
    if format == "github":
        check_annotations(done.stdout)


def test_formats_of_a_check_are_of_a_check_alone(repository, direct):
    repository()
    assert direct("score", "films", "books", "-f", "junit").returncode == 2
    assert direct("score", "films", "books", "-o", "r.xml").returncode == 2


# -------------------------------------------------------------------- GitHub Actions


def test_in_actions_annotations_and_the_summary_come_by_themselves(check, monkeypatch, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = check("questions", "--json", harm=0.9)
    check_annotations(done.stderr)
    assert done.stderr.count("::error ") == 2
    assert "file=questions.csv" in done.stderr
    json.loads(done.stdout)
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## ❌ Task affinity: failed")
    off = check("questions", "--no-github", harm=0.9)
    assert "::error" not in off.stderr + off.stdout
    assert summary.read_text(encoding="utf-8") == text


def test_annotations_come_once(check, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    done = check("questions", "-f", "github", harm=0.9)
    assert (done.stdout.count("::error "), done.stderr) == (2, "")


def test_a_summary_that_cannot_be_written_changes_no_verdict(check, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/no/such/folder/summary.md")
    done = check("questions", "--github", harm=0.1)
    assert done.returncode == 0
    assert "warning: the summary cannot be written" in done.stderr


# -------------------------------------------------------------------------- baseline


def test_the_baseline_is_written_compared_and_stable(check, tmp_path):
    lock = tmp_path / "taskaff.lock.json"
    done = check("--write-baseline", "-q", harm=0.2)
    assert (done.returncode, done.stderr) == (0, "wrote taskaff.lock.json\n")
    first = lock.read_bytes()
    assert check("--write-baseline", "-q", harm=0.2).returncode == 0
    assert lock.read_bytes() == first
    assert check("-q", harm=0.2).returncode == 0
    worse = check(harm=0.29)
    assert worse.returncode == 1
    assert "was 0.2000 in the baseline and is 0.2900 now" in " ".join(worse.stdout.split())
    assert check("-q", "--no-compare", harm=0.29).returncode == 0
    assert check("-q", harm=0.1).returncode == 0


def test_a_second_baseline_keeps_the_first_candidate(check, tmp_path):
    lock = tmp_path / "taskaff.lock.json"
    for name in ("questions", "books"):
        assert check(name, "--write-baseline", "-q").returncode == 0
    assert set(json.loads(lock.read_text())["candidates"]) == {"books", "questions"}


def test_a_failing_check_writes_no_baseline(check, tmp_path):
    lock = tmp_path / "taskaff.lock.json"
    done = check("questions", "--write-baseline", "-q", harm=0.9)
    assert done.returncode == 1
    assert "is not written, since the check failed; --force writes it" in done.stderr
    assert not lock.exists()
    assert check("questions", "--write-baseline", "--exit-zero", harm=0.9).returncode == 0
    assert not lock.exists()
    assert check("questions", "--write-baseline", "--force", harm=0.9).returncode == 1
    assert lock.exists()


def test_force_is_about_a_baseline(check):
    assert check("questions", "--force").returncode == 2


def test_another_mix_or_encoder_does_not_compare(check, tmp_path):
    assert check("--write-baseline", "-q").returncode == 0
    film = (tmp_path / "films.csv").read_text(encoding="utf-8")
    (tmp_path / "films.csv").write_text(film + "one more,positive\n", encoding="utf-8")
    done = check("questions")
    assert done.returncode == 3
    assert "films has other rows" in " ".join(done.stdout.split())


def test_a_baseline_elsewhere(check, tmp_path):
    assert check("--write-baseline", "--baseline", "b.json", "-q").returncode == 0
    assert (tmp_path / "b.json").is_file()
    assert not (tmp_path / "taskaff.lock.json").exists()
    assert check("--baseline", "b.json", "-q").returncode == 0


def test_what_a_killed_writer_of_the_baseline_left_goes_with_the_next_check(check, tmp_path):
    left = tmp_path / ".taskaff.lock.json.0123abcd.taskaff.tmp"
    left.write_text("{")
    assert check("-q").returncode == 0
    assert not left.exists()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_baseline_or_configuration_without_end_is_refused(check, tmp_path):
    (tmp_path / "taskaff.lock.json").symlink_to("/dev/zero")
    assert check("-q").returncode == 0  # no regular file: there is no baseline
    done = check("-q", "--config-file", "/dev/zero")
    assert done.returncode == 2
    assert "cannot be read: more than 16,777,216 bytes" in done.stderr


# ---------------------------------------------------------------------------- waivers


def waiver(pair, more=""):
    return f'[[waivers]]\npair = {json.dumps(pair)}\nreason = "known"\n{more}'


def test_a_waiver(check):
    text = HEAD + RULES + waiver(["questions", "films"], "expires = 2999-01-01\n")
    done = check("questions", text=text, harm=0.9)
    assert done.returncode == 0
    assert "failed, and waived: known (until 2999-01-01)" in " ".join(done.stdout.split())


def test_an_expired_waiver(check):
    text = HEAD + RULES + waiver(["questions", "films"], "expires = 2020-01-01\n")
    done = check("questions", text=text, harm=0.9)
    assert done.returncode == 1
    assert "expired on 2020-01-01 and no longer applies" in " ".join(done.stdout.split())


# -------------------------------------------------------------------------- bad input

MORE = '[datasets.more]\npath = "{}"\n'
BAD = {
    # name: (taskaff.toml, arguments, what the error says, what the hint says)
    "no file": ("", ("questions.csv",), "there is no mix", "[mix] datasets"),
    "no mix": (HEAD.split("[mix]")[0] + RULES, (), "there is no mix", "[mix] datasets"),
    "no limit": (HEAD, ("books",), "nothing to check: [check] sets no limit", "[check]"),
    "unknown in the mix": (
        HEAD.replace('["films"]', '["flims"]') + RULES,
        (),
        "mix.datasets names 'flims'",
        "did you mean 'films'?",
    ),
    "nothing left": (
        HEAD.replace('["films"]', '["films", "books", "questions"]') + RULES,
        (),
        "nothing to check",
        "taskaff check NEW.csv",
    ),
    "unknown candidate": (HEAD + RULES, ("boks",), "'boks' is no declared", "'books'"),
    "missing file": (HEAD + RULES, ("new.csv",), "no such file", ""),
    "in the mix": (HEAD + RULES, ("films",), "'films' is in the mix already", "books"),
    "name of the mix": (HEAD + RULES, ("films=books.csv",), "'films' is in the mix", "name of its"),
    "named twice": (HEAD + RULES, ("a=books.csv", "a=questions.csv"), "is named twice", "name"),
    "unknown in a waiver": (
        HEAD + RULES + waiver(["books", "flims"]),
        ("books",),
        "waivers[0] names 'flims'",
        "did you mean 'films'?",
    ),
    "unknown score": (
        HEAD + "[check]\nfail_under = { covariance_alignmnt = 0.5 }\n",
        (),
        "unknown score",
        "covariance_alignment",
    ),
    "probe without a limit": (HEAD + RULES, ("--probe",), "no limit is set", "max_loss_increase"),
    "limit without the probe": (
        HEAD + "[check]\nmax_loss_increase = 0.1\n",
        (),
        "what the probe measures",
        "--probe",
    ),
    "no such baseline": (
        HEAD + RULES,
        ("--baseline", "none.json"),
        "there is no baseline none.json",
        "--write-baseline",
    ),
    "baseline over an input": (
        HEAD + RULES,
        ("--baseline", "books.csv", "--write-baseline"),
        "would overwrite an input",
        "another",
    ),
    "result over an input": (HEAD + RULES, ("-o", "films.csv"), "would overwrite", "another"),
    "unknown format": (HEAD + RULES, ("-f", "junitt"), "unknown format 'junitt'", "'junit'"),
    "unknown suffix": (HEAD + RULES, ("-o", "r.pdf"), "suffix '.pdf'", ".sarif"),
    "impossible share": (HEAD + RULES.replace("0.6", "6"), (), "less than or equal to 1", ""),
    "empty candidate": (HEAD + RULES, ("empty.csv",), "empty.csv", ""),
    "header only": (HEAD + RULES, ("header.csv",), "header.csv", ""),
    "corrupt candidate": (HEAD + RULES, ("broken.csv",), "broken.csv", ""),
    "corrupt signature": (HEAD + RULES, ("x.taskaff",), "x.taskaff", ""),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("zero", [False, True])
def test_bad_input_is_exit_2_with_a_hint(check, tmp_path, name, zero):
    text, arguments, found, hint = BAD[name]
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("text,label\n")
    (tmp_path / "broken.csv").write_text('text,label\n"open,1\n')
    (tmp_path / "x.taskaff").write_bytes(b"nothing of ours")
    before = {path.name for path in tmp_path.iterdir()} | {"taskaff.toml"}
    done = check(*arguments, *(["--exit-zero"] if zero else []), text=text)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    error, advice = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert found in error
    assert advice.startswith("hint: ")
    assert hint in advice
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("content", ["", "{", "<<<<<<< HEAD\n", '{"version": 1}', '{"version": 9}'])
def test_a_corrupt_baseline_is_exit_2(check, tmp_path, content):
    (tmp_path / "taskaff.lock.json").write_text(content)
    done = check("questions")
    assert done.returncode == 2
    assert "error: check: not a baseline of taskaff" in done.stderr
    assert "taskaff check --write-baseline" in done.stderr
    assert check("--write-baseline", "-q").returncode == 2
    assert (tmp_path / "taskaff.lock.json").read_text() == content
    forced = check("--write-baseline", "--force", "-q")
    assert forced.returncode == 0
    assert "it is written anew" in forced.stderr


def test_a_signature_of_another_encoder(check, direct, tmp_path, repository):
    repository()
    words = "".join(f"{word} {n} 1 2\n" for n, word in enumerate(("the", "film", "felt", "how")))
    (tmp_path / "v.txt").write_text(words)
    made = direct("profile", "questions.csv", "-o", "q.taskaff", "--encoder", "glove:v.txt", "-q")
    assert made.returncode == 0, made.stderr
    done = check("new=q.taskaff")
    assert done.returncode == 2
    assert "error: signature: new: made with encoder" in done.stderr
    assert "hint: profile both data sets again with the same encoder" in done.stderr


def test_the_probe_needs_the_rows_of_the_mix(check, direct, tmp_path, repository):
    repository()
    assert direct("profile", "films.csv", "-o", "films.taskaff", "-q").returncode == 0
    text = (HEAD + RULES + "max_loss_increase = 0.02\n").replace("films.csv", "films.taskaff")
    done = check("questions", "--probe", text=text)
    assert done.returncode == 2
    assert "films is a signature, which holds no rows" in done.stderr


@pytest.mark.parametrize(
    "rules",
    [
        '[check]\nrecipe = "concat"\nprobability_negative = { fail = 1.0 }\n',
        "[check]\noverlap = { fail = 1.0 }\n",
        '[check]\nrecipe = "concat"\nprobability_negative = { warn = 0.3 }\n',
    ],
)
def test_a_limit_that_can_never_fail_warns(check, rules):
    done = check("questions", text=HEAD + rules)
    assert done.returncode == 0
    assert "can never fail" in done.stdout


# --------------------------------------------------------------------------- real data


@pytest.mark.data
def test_mr_into_a_mix_of_trec_is_not_refused_for_harm(direct, shared_data):
    """Of concatenated training it is predicted to hurt; trained in turns it does not."""
    mr, trec = (shared_data / "sentiment" / name for name in ("mr", "trec"))
    assert direct("init", "--mix", f"trec={trec}", f"mr={mr}").returncode == 0
    done = direct("check", "mr", "--json")
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document["answers"][0]["call"] == "undecided"
    assert document["answers"][0]["next"].startswith("taskaff check mr --probe")
    assert not [f for f in document["findings"] if f["level"] == "failed"]
    harm = {p["target"]: p["probability_negative"] for p in document["predictions"]}
    assert harm["trec"] > 0.75
