"""Each script of docs/reproduction runs in its quick form, and its page is its document's."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from paths import ROOT

HERE = ROOT / "docs" / "reproduction"
sys.path.insert(0, str(HERE))
import _kit as kit  # noqa: E402
import index  # noqa: E402

SCRIPTS = kit.scripts()
NAMES = [path.stem for path in SCRIPTS]
VERDICTS = {"agrees", "differs", "in part", "undecided", "not testable here"}


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_the_quick_form_runs_from_the_product_alone(script, tmp_path):
    if "TASKAFF_DATA" in script.read_text(encoding="utf-8") and "TASKAFF_DATA" not in os.environ:
        pytest.skip("TASKAFF_DATA is not set: the real data sets are not at hand")
    environment = {**os.environ, "TASKAFF_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--out", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / f"{script.stem}.json").read_text(encoding="utf-8"))
    module = kit.load(script)
    assert module.tables(result)
    assert all(claim.verdict in VERDICTS for claim in module.claims(result))
    assert (tmp_path / f"{script.stem}.svg").stat().st_size > 2000


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_the_page_shows_what_the_document_holds(script):
    result = json.loads(script.with_suffix(".json").read_text(encoding="utf-8"))
    module = kit.load(script)
    made = {**module.tables(result), "claims": kit.claim_table(module.claims(result))}
    page = script.with_suffix(".md").read_text(encoding="utf-8")
    assert kit.fill(page, made) == page
    for name in made:
        assert f"<!-- table: {name} -->" in page
    assert f"({script.stem}.svg)" in page
    assert f"docs/reproduction/{script.name}" in page  # the command


def test_the_summary_shows_every_claim():
    page = (HERE / "index.md").read_text(encoding="utf-8")
    assert index.filled(page) == page
    for script in SCRIPTS:
        assert f"({script.stem}.md)" in page
