"""A setting is declared once: in a copy of the package two files are touched, and all else follows.

The place that uses it is a note of the probe; what users see of it is derived.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields

import jsonschema
import pytest
from paths import ROOT

from taskaff.core.settings import RECORDS, SETTINGS, ProbeSettings, declared
from taskaff.stages.probe.trunks import TRUNKS

DECLARED = '    warmth: Annotated[float, Setting("How warm it gets.", gt=0, le=9)] = 1.5\n'
BEFORE_IT = "    r: Annotated["
USED = '    notes = [*notes, f"warmth {settings.warmth:g}"]\n'
BEFORE_USE = "    return replace(result, pairs=pairs, notes="

RUN = """
import os, sys
from taskaff.cli.run import run
probe = ["probe", "synthetic:linear?task=1&rows=100&d=20", "synthetic:linear?task=2&rows=100&d=20",
         "--seeds", "1", "--updates", "3", "--patience", "0", "--recipe", "turns", "--json"]
for variable, command in (
    (None, ["probe", "--help"]), (None, ["schema", "config"]), (None, probe), ("3.5", probe),
    ("3.5", [*probe, "--config", "probe.warmth=4.5"]), ("3.5", [*probe, "--warmth", "5.5"]),
    ("10", probe), (None, [*probe, "--config", "probe.warmht=1"]),
):
    os.environ.pop("TASKAFF_PROBE_WARMTH", None)
    if variable:
        os.environ["TASKAFF_PROBE_WARMTH"] = variable
    run(command)
    print("\\n=====", flush=True)
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the copy prints: help, schema, then a probe by file, variable, --config and option."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "taskaff", copy / "taskaff")
    for path, mark, text in (
        ("core/settings/probe.py", BEFORE_IT, DECLARED),
        ("stages/probe/run.py", BEFORE_USE, USED),
    ):
        file = copy / "taskaff" / path
        source = file.read_text(encoding="utf-8")
        assert source.count(mark) == 1
        file.write_text(source.replace(mark, text + mark), encoding="utf-8")
    (copy / "taskaff.toml").write_text("[predict]\nenabled = false\n[probe]\nwarmth = 2.5\n")
    variables = {name: text for name, text in os.environ.items() if not name.startswith("TASKAFF_")}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=copy,
        env={**variables, "PYTHONPATH": str(copy), "TASKAFF_CACHE": "off", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [*done.stdout.split("\n=====\n"), done.stderr]


def test_it_is_an_option_of_the_help_page(printed):
    assert "  --warmth X                      How warm it gets.\n" in printed[0]


def test_it_is_a_key_of_the_schema_with_its_limits(printed):
    schema = json.loads(printed[1])
    jsonschema.validate({"probe": {"warmth": 9}}, schema)
    for wrong in (0, 9.5, "warm"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"probe": {"warmth": wrong}}, schema)
    found = schema["$defs"]["ProbeSection"]["properties"]["warmth"]
    assert (found["default"], found["description"]) == (1.5, "How warm it gets.")


def test_the_result_has_it_and_the_strongest_layer_wins(printed):
    results = [json.loads(text) for text in printed[2:6]]
    assert [found["settings"]["warmth"] for found in results] == [2.5, 3.5, 4.5, 5.5]
    notes = [[note for note in found["notes"] if "warmth" in note] for found in results]
    assert notes == [["warmth 2.5"], ["warmth 3.5"], ["warmth 4.5"], ["warmth 5.5"]]


def test_errors_name_the_limit_the_place_and_the_closest_key(printed):
    assert "less than or equal to 9, found 10 (TASKAFF_PROBE_WARMTH)" in printed[-1]
    assert "unknown key 'probe.warmht' (--config probe.warmht)" in printed[-1]
    assert "did you mean 'warmth'?" in printed[-1]


def test_no_key_variable_or_option_of_a_table_is_declared_twice():
    assert len(SETTINGS) == sum(len(declared(record)) for record in RECORDS)
    variables = [each.variable for each in SETTINGS.values() if each.variable]
    assert len(set(variables)) == len(variables)


def test_every_setting_is_said_in_one_sentence():
    for each in SETTINGS.values():
        assert each.setting.help.endswith("."), each.key
        assert len(each.setting.help) <= 85, each.key


def test_what_varies_is_what_the_trunks_say():
    varies = {each.field for each in declared(ProbeSettings) if each.setting.varies}
    plain = ProbeSettings()
    names = [field.name for field in fields(ProbeSettings)]
    trunks = [trunk.defaults for trunk in TRUNKS.values()]
    assert varies == {n for n in names if any(getattr(d, n) != getattr(plain, n) for d in trunks)}
