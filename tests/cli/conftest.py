"""Running the command line in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FAKE = Path(__file__).with_name("_fake_run.py")


def clean_environment(**variables: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TASKAFF_") and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    return {**kept, **variables}


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C interrupts, here and in children, though a shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def cli(tmp_path):
    """``cli("score", "a", "b", environment=...)`` in an empty folder; ``real`` has no fakes."""

    def run(*arguments, environment=None, real=False, stdin=None, folder=tmp_path, text=True):
        start = ["-m", "taskaff"] if real else [str(FAKE)]
        # A fresh cache holds no fitted predictor: tests that want predictions ask for them.
        own = {"TASKAFF_CACHE_DIR": str(tmp_path / "cache"), "TASKAFF_PREDICT": "off"}
        variables = {**own, **(environment or {})}
        return subprocess.run(
            [sys.executable, *start, *map(str, arguments)],
            capture_output=True,
            text=text,
            cwd=folder,
            env=clean_environment(**variables),
            input=stdin,
            check=False,
        )

    return run


@pytest.fixture
def fake_pipeline(monkeypatch):
    """The fake pipeline in place of the real one, in this process."""
    spec = importlib.util.spec_from_file_location("taskaff_fake_run", FAKE)
    harness = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, harness)
    spec.loader.exec_module(harness)
    fakes = harness.fake_modules()
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, name, fake)
    return {name.rpartition(".")[2]: fake for name, fake in fakes.items()}


@pytest.fixture
def direct(monkeypatch, tmp_path, capsys, quick_scores):
    """``direct("score", "a", "b")`` in this process, in an empty folder."""
    from taskaff.cli.run import run

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TASKAFF_")]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TASKAFF_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=captured.out, stderr=captured.err)

    return call


@pytest.fixture
def quick(fake_pipeline, direct):
    """``direct`` on the fake pipeline."""
    return direct


@pytest.fixture(name="clean_environment")
def clean_environment_fixture(tmp_path):
    """The variables of this process without those that change the command line."""
    return clean_environment(TASKAFF_CACHE_DIR=str(tmp_path / "cache"))
