"""The command line on the real pipeline and the example data that ships."""

from __future__ import annotations

import json

import jsonschema
import pytest
from paths import EXAMPLES

FILMS, BOOKS, QUESTIONS = (EXAMPLES / f"{name}.csv" for name in ("films", "books", "questions"))


@pytest.fixture
def scored(direct):
    """``scored(*arguments)`` is the JSON of ``score`` without the timings."""

    def run(*arguments):
        done = direct("score", *arguments, "--json", "--no-capacity")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        document = json.loads(done.stdout)
        del document["timings"]
        return document

    return run


def test_score_prints_what_its_schema_says_and_repeats_itself(direct, scored):
    document = scored(FILMS, BOOKS)
    schema = json.loads(direct("schema", "result").stdout)
    jsonschema.validate({**document, "timings": {}}, schema)
    assert scored(FILMS, BOOKS) == document
    assert scored(FILMS, BOOKS, "--cache", "off") == document


def test_a_stored_signature_scores_like_the_rows(direct, scored, tmp_path):
    assert direct("profile", FILMS, "-o", "films.taskaff").returncode == 0
    stored, fresh = scored("films.taskaff", BOOKS), scored(FILMS, BOOKS)
    assert stored["pairs"] == fresh["pairs"]
    assert b"film" in FILMS.read_bytes()


def test_shards_merge_to_the_whole(direct, scored, tmp_path):
    header, *rows = FILMS.read_text(encoding="utf-8").splitlines(keepends=True)
    for name, part in (("a", rows[:300]), ("b", rows[300:])):
        (tmp_path / f"{name}.csv").write_text(header + "".join(part), encoding="utf-8")
        assert direct("profile", f"{name}.csv", "-q").returncode == 0
    merged = direct("merge", "a.taskaff", "b.taskaff", "-o", "c.taskaff")
    assert merged.returncode == 0, merged.stderr
    assert f"{len(rows)} rows" in merged.stderr
    values = [
        {
            name: score["value"]
            for name, score in scored(source, BOOKS)["pairs"][0]["scores"].items()
        }
        for source in ("c.taskaff", FILMS)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_the_configuration_names_the_data_sets(direct, scored):
    assert direct("init", FILMS, f"read={BOOKS}").returncode == 0
    assert [task["name"] for task in scored()["tasks"]] == ["films", "read"]
    assert [task["name"] for task in scored("read", QUESTIONS)["tasks"]] == ["read", "questions"]


def test_the_gate(direct):
    arguments = ("score", FILMS, BOOKS, "--scores", "covariance_alignment", "--no-capacity", "-q")
    limit = "covariance_alignment={}".format
    high = direct(*arguments, "--fail-under", limit(1.5))
    low = direct(*arguments, "--fail-under", limit(0.1))
    assert (high.returncode, high.stdout) == (1, "failed: 1 failed of 1 checks\n")
    assert (low.returncode, low.stdout) == (0, "passed: 1 passed of 1 checks\n")


def test_only_what_the_cache_holds(direct):
    arguments = ("score", FILMS, BOOKS, "--no-capacity", "-q")
    assert direct(*arguments, "--cache", "only").returncode == 2
    assert direct(*arguments).returncode == 0
    assert direct(*arguments, "--cache", "only").returncode == 0
    assert direct("cache", "verify").stderr == "every entry is intact\n"


def test_standard_input(cli):
    text = FILMS.read_text(encoding="utf-8")
    done = cli("inspect", "-", "--stdin-format", "csv", "--json", real=True, stdin=text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]["train"] == text.count("\n") - 1


@pytest.mark.parametrize(
    "content",
    [b"", b"text,label\n", b'text,label\n"open,1\n', b"text,label\na\n", b"text;label\na;1\n"],
)
def test_bad_input_is_exit_2_with_the_file_and_writes_nothing(direct, tmp_path, content):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    done = direct("score", FILMS, "bad.csv", "-o", "result.json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "bad.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("source", ["missing.csv", "missing.taskaff", "*.parquet", "empty"])
def test_missing_input(direct, tmp_path, source):
    (tmp_path / "empty").mkdir()
    done = direct("score", source, BOOKS)
    assert done.returncode == 2
    assert source in done.stderr
    assert "\nhint: " in done.stderr


def test_vectors(direct, tmp_path):
    words = "".join(f"word{n} {n}.5 1 2\n" for n in range(20))
    (tmp_path / "v.txt").write_text(words)
    info = json.loads(direct("vectors", "info", "v.txt", "--json").stdout)
    assert (info["words"], info["width"]) == (20, 3)
    made = direct("vectors", "convert", "v.txt", "-o", "v.safetensors")
    assert made.returncode == 0, made.stderr
    again = json.loads(direct("vectors", "info", "v.safetensors", "--json").stdout)
    assert again["digest"] == info["digest"]
    assert direct("vectors", "convert", "v.txt", "-o", "v.bin").returncode == 2
    assert direct("vectors", "info", "none.txt").returncode == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v.safetensors", "v.txt"]


def test_a_whole_process(cli):
    """What a user types, with nothing replaced: a result on standard output and nothing else."""
    done = cli("score", FILMS, BOOKS, "--no-capacity", real=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "films" in done.stdout
