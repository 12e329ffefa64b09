"""Help pages: quick, light, one sentence first and an example last."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

HEAVY = [
    *("numpy", "scipy", "sklearn", "pyarrow", "torch", "transformers", "sentence_transformers"),
    *("safetensors", "pydantic", "rich", "click", "taskaff.pipeline", "taskaff.core.config"),
    *("yaml", "huggingface_hub", "fsspec", "pandas", "polars", "datasets"),
]
COMMANDS = [
    "score",
    "check",
    "profile",
    "merge",
    "inspect",
    "init",
    "env",
    "vectors info",
    "vectors convert",
    "cache ls",
    "cache prune",
    "cache verify",
    "cache dir",
    "schema result",
    "schema config",
]


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["cache", "ls", "--help"]])
def test_help_loads_nothing_heavy(arguments, clean_environment):
    code = (
        "import sys; from taskaff.cli.run import run; "
        f"code = run({arguments!r}); found = [m for m in {HEAVY!r} if m in sys.modules]; "
        "print(found, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=clean_environment,
        check=True,
    )
    assert done.stdout.startswith("Usage: taskaff")
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"]])
def test_help_answers_at_once(arguments, clean_environment):
    """Under 0.3 s of processor time, or four times that of typer alone, on a busy machine."""

    def seconds(*command):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, *command]
        subprocess.run(command, stdout=subprocess.DEVNULL, env=clean_environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    times = [(seconds("-m", "taskaff", *arguments), seconds("-c", "import typer")) for _ in "123"]
    assert any(page < max(0.3, 4 * bare) for page, bare in times)


@pytest.mark.parametrize("command", COMMANDS)
def test_first_a_sentence_then_options_then_an_example(quick, command):
    done = quick(*command.split(), "--help")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Usage: taskaff {command}")
    assert lines[2].startswith("  ")
    assert lines[2].endswith(".")
    assert lines[-1].startswith(f"    taskaff {command}")
    assert "  --debug" in done.stdout
    assert "completion" not in done.stdout


def test_the_list_of_commands_is_not_cut(quick):
    page = quick("--help").stdout
    assert "..." not in page.split("Commands:")[1]
    for command in COMMANDS:
        assert f"\n  {command.split()[0]} " in page


def test_every_option_of_score_stands_in_its_group(quick):
    page = quick("score", "--help").stdout
    groups = ["Arguments:", "Data sets:", "Run:", "Output:", "Options:"]
    positions = [page.index(f"\n{group}\n") for group in groups]
    assert positions == sorted(positions)
    assert positions[1] < page.index("--label-kind") < positions[2] < page.index("--cache-dir")


def test_without_a_command_help_goes_to_standard_error(quick):
    for arguments in ([], ["cache"], ["vectors"], ["schema"]):
        done = quick(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Usage: taskaff")


def test_version(cli):
    from taskaff import __version__

    assert cli("--version", real=True).stdout == f"taskaff {__version__}\n"


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        ("inspect", ("Signatures (.taskaff) are refused", "synthetic data sets")),
        ("probe", ("Signatures (.taskaff) are refused", "without labels", "ready vectors")),
    ],
)
def test_help_says_what_is_refused(command, refused, clean_environment):
    arguments = [sys.executable, "-m", "taskaff", command, "--help"]
    page = subprocess.run(
        arguments, capture_output=True, text=True, env=clean_environment, check=True
    ).stdout
    words = " ".join(page.split())
    assert all(text in words for text in refused)
