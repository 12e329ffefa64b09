"""Options and arguments drawn at random: the exit codes keep to their contract.

The options are those that the commands declare, so a new one is drawn as well. Training is replaced
by an interruption (130): it would start, so that everything before it has accepted the options.
"""

from __future__ import annotations

import io
import random
import sys

import pytest
import typer

from taskaff.cli.app import app

GATES = {"check": (), "score": ("--fail-under",)}
"""Commands that may exit with 1 or 3, and the option that makes a gate of them."""

TRAINING = (
    "taskaff.pipeline.probe.probe",
    "taskaff.pipeline.atlas.build.build",
    "taskaff.stages.predict.evaluate.evaluate",
    "taskaff.pipeline.prediction.model_of",
)
ARGUMENTS = (
    *("a.csv", "b.csv", "c.jsonl", "name=a.csv", "shards", "*.csv", "a.taskaff", "a", "b"),
    *("bad.csv", "empty.csv", "missing.csv", "", "=", "x=", "-", ".", "[", "s3://", "file://x"),
)
WORDS = (
    *("text", "label", "split", "text,label", "*", "[", "", " ", ",", '"', "-1", "0", "1", "2.5"),
    *("nan", "inf", "1e400", "9" * 30, "csv", "json", "\\t", ";", "\x1b[31m", "\udcff", "ä", "\0"),
    *("overlap", "overlap=0.5", "source_gain=2", "source_gain=-9", "mean_shift=x", "train"),
    *("score.confidence=0.5", "embed.encoder=glove", "a.b.c=1", "cache.mode=only", "[x]=1"),
    *("pass", "fail", "out.json", "out.md", "a.csv", "no/folder/out.json", "out.png", "x.taskaff"),
    *("x.parquet", "x.safetensors", "words.txt", "utf-16", "1KB", "30d", "10s", "1,2", "n=9"),
)
GOOD = {
    "--fail-under": ("overlap=2", "overlap=-1", "source_gain=9"),
    "--output": ("out.json", "x.taskaff"),
}
"""Values that are worth drawing more often than by chance."""

NOT_DRAWN = ("--help", "--encoder", "--cache-dir", "--config-file", "--revision", "--device")
"""They would load models, or leave the folder of the test."""


def commands():
    """Names of every command and what it takes."""

    def walk(command, names):
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*names, name))
        if not hasattr(command, "commands"):
            yield names, command.params

    return list(walk(typer.main.get_command(app), ()))


COMMANDS = commands()


@pytest.fixture
def folder(direct, tmp_path, monkeypatch):
    rows = [f"good w{n % 7} film,{'pn'[n % 2]}" for n in range(40)]
    for name, some in (("a.csv", rows), ("b.csv", rows[3:30])):
        (tmp_path / name).write_text("text,label\n" + "\n".join(some) + "\n")
    lines = [f'{{"text": "w{n % 9} bad", "label": {n % 3}}}' for n in range(30)]
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    (tmp_path / "bad.csv").write_text('text,label\n"a,b\n')
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "1.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    words = [f"{word} {n}.5 -1 0.{n}" for n, word in enumerate(("good", "film", "bad", "w1", "w2"))]
    (tmp_path / "words.txt").write_text("\n".join(words) + "\n")
    (tmp_path / "taskaff.toml").write_text(
        '[embed]\nencoder = "glove:words.txt"\n[datasets.a]\npath = "a.csv"\n[datasets.b]\n'
        'path = "b.csv"\n[mix]\ndatasets = ["a"]\n[check]\noverlap = { fail = 0.01 }\n'
        "[predict]\nenabled = false\n"
    )
    monkeypatch.setenv("TASKAFF_CACHE_DIR", str(tmp_path / "cache"))

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    for name in TRAINING:
        monkeypatch.setattr(name, interrupted)
    return tmp_path


def drawn(generator: random.Random) -> list[str]:
    """A command with some of its options, each with a value of any kind."""
    names, parameters = generator.choice(COMMANDS)
    options = [
        p for p in parameters if p.param_type_name == "option" and p.opts[0] not in NOT_DRAWN
    ]
    found = list(names)
    for option in generator.sample(options, min(len(options), generator.randrange(4))):
        found.append(generator.choice([*option.opts, *option.secondary_opts]))
        if not option.is_flag:
            good = GOOD.get(option.opts[0], ()) if generator.random() < 0.5 else ()
            found.append(generator.choice(good or WORDS))
    taken = any(p.param_type_name == "argument" for p in parameters)
    for _ in range(generator.choice((1, 2, 2, 3)) if taken else generator.random() < 0.05):
        found.append(generator.choice(ARGUMENTS[:9] if generator.random() < 0.6 else ARGUMENTS))
    return found


def judge(arguments, done):
    command = arguments[0]
    assert done.returncode in (0, 1, 2, 3, 130), arguments
    assert "Traceback" not in done.stderr, arguments
    assert "internal error" not in done.stderr, (arguments, done.stderr)
    if done.returncode in (1, 3):
        assert command in GATES, arguments
        assert all(option in arguments for option in GATES[command]), arguments
    if done.returncode == 2:
        lines = done.stderr.splitlines()
        assert any(line.startswith("error: ") for line in lines), (arguments, done.stderr)
        assert lines[-1].startswith("hint: "), (arguments, done.stderr)
        assert done.stdout == "", arguments


def fuzz(folder, direct, monkeypatch, seeds):
    codes = set()
    for seed in seeds:
        arguments = drawn(random.Random(seed))
        content = io.BytesIO(b"text,label\na,x\nb,y\n")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
        done = direct(*arguments)
        judge(arguments, done)
        codes.add(done.returncode)
    return codes


def test_some_options(folder, direct, monkeypatch):
    assert fuzz(folder, direct, monkeypatch, range(60)) >= {0, 2}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check",), 1),
        (("check", "--exit-zero"), 0),
        (("check", "a"), 2),
        (("score", "a", "b", "--fail-under", "overlap=2"), 1),
        (("score", "a", "b", "--fail-under", "source_gain=9"), 3),
        (("probe", "a", "b"), 130),
    ],
    ids=str,
)
def test_the_folder_reaches_every_outcome(folder, direct, arguments, code):
    assert direct(*arguments).returncode == code


@pytest.mark.slow
def test_many_options(folder, direct, monkeypatch):
    # Whether a gate is ever reached depends on the luck of the draw: the outcomes above are sure.
    assert fuzz(folder, direct, monkeypatch, range(60, 3000)) >= {0, 2, 130}
