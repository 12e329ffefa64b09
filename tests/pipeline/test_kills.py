"""SIGKILL at every step on the disk: nothing is corrupt or left over, and a rerun gives the same.

The process kills itself just before the n-th time that it opens, renames, makes or removes
something in its folder, so that every point is met and none depends on the clock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from paths import TESTS

PRELUDE = """
import os, signal, sys
folder, left = os.path.realpath(sys.argv[1]), [int(sys.argv[2])]

def hook(event, arguments):
    writes = os.O_WRONLY | os.O_RDWR
    if event not in ("open", "os.rename", "os.mkdir", "os.remove"):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & writes):
        return
    if str(arguments[0]).startswith(folder):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""
LOCK = """
from pathlib import Path
from taskaff.cli.files import whole_file, write_text

with whole_file(Path(folder) / "taskaff.lock.json") as temporary:
    write_text(temporary, ["new", " lock"])
"""
FIT = """
from functools import partial
from pathlib import Path
from taskaff.pipeline import prediction
from taskaff.stages.predict import fit
from taskaff.core.settings import PredictSettings

prediction.SHIPPED = Path(sys.argv[3])
fit.fit = partial(fit.fit, trees=3, blocks=3)
found = prediction.model_of(PredictSettings(cache_dir=Path(folder)))
"""
BUILD = """
from pathlib import Path
from taskaff.pipeline.atlas import build as atlas_build
from taskaff.pipeline.atlas.setups import SetUp
from taskaff.core.settings import RunSettings

data = Path(sys.argv[3])
words = f"glove:{data}/words.txt"
setup = SetUp(encoder=words, target_rows=40, source_rows=40, r=4, seeds=2, updates=20)
atlas_build.build([data / "sets"], Path(folder) / "own.parquet", [setup], RunSettings())
"""


def run(code: str, folder: Path, steps: int, *more: object) -> int:
    """Exit code of ``code``, killed after so many steps; a negative one is a signal."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, *map(str, (folder, steps, *more))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(found)}


def killed_everywhere(code: str, folder: Path, *more: object, every: int = 1):
    """The folder after each kill; every rerun is compared with an undisturbed run."""
    assert run(code, folder / "whole", 10**9, *more) == 0
    expected = files(folder / "whole")
    for steps in count(0, every):
        own = folder / str(steps)
        if run(code, own, steps, *more) == 0:
            assert steps > 3
            return
        yield own, expected
        assert run(code, own, 10**9, *more) == 0
        assert files(own) == expected, steps


def test_the_baseline(tmp_path):
    for folder, expected in killed_everywhere(LOCK, tmp_path):
        found = files(folder)
        assert found.get("taskaff.lock.json", b"new lock") == b"new lock"
        assert len(found) <= len(expected)


@pytest.mark.slow
def test_the_fit_of_the_predictor(tmp_path):
    from stages.predict._samples import table

    from taskaff.core.store import Store
    from taskaff.stages.predict import atlas

    atlas.write(table(), tmp_path / "atlas.parquet")
    for folder, _ in killed_everywhere(FIT, tmp_path, tmp_path / "atlas.parquet", every=3):
        assert Store(folder).verify() == []


@pytest.mark.slow
def test_the_build_of_an_atlas(tmp_path):
    from taskaff.stages.predict import atlas

    words = [f"w{n}" for n in range(12)]
    lines = [f"{word} {n}.5 {n % 3} -{n}" for n, word in enumerate(words)]
    (tmp_path / "words.txt").write_text("\n".join(lines) + "\n")
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        rows = [f"{' '.join(random.choice(words, 5))} {name}{n},{n % 2}" for n in range(120)]
        (tmp_path / "sets" / name).mkdir(parents=True)
        (tmp_path / "sets" / name / "data.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    for folder, expected in killed_everywhere(BUILD, tmp_path, tmp_path, every=16):
        if (folder / "own.parquet").exists():
            assert atlas.read(folder / "own.parquet").num_rows == 4
        assert list(expected) == ["own.parquet"]
