"""The tables of docs/configuration.md, from the declarations of the settings.

python docs/configuration.py            # print them
python docs/configuration.py --write    # put them into the page
python docs/configuration.py --check    # exit 1 if the page has others
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from taskaff.core.config.sections import TABLES
from taskaff.core.records.data import DataRequest
from taskaff.core.settings import SETTINGS, Declared, declared
from taskaff.core.settings.forms import SEEDS
from taskaff.stages.probe.defaults import settings_for

PAGE = Path(__file__).with_suffix(".md")
ON_VECTORS = settings_for({})


def variables() -> str:
    """Options, variables and keys of the settings that have them."""
    rows = [
        f"| {_option(each)} | `{each.variable}` | `{each.key}` |"
        for each in _sorted()
        if each.variable
    ]
    return "\n".join(["| option | variable | key |", "|---|---|---|", *rows])


def keys() -> str:
    """Keys of the settings, their defaults and what they mean."""
    return _keys(_sorted())


def reading() -> str:
    """Keys of a data set."""
    return _keys(declared(DataRequest))


def _keys(settings: Iterable[Declared]) -> str:
    rows = [f"| `{each.key}` | {_default(each)} | {_text(each)} |" for each in settings]
    return "\n".join(["| key | default | |", "|---|---|---|", *rows])


def _sorted() -> list[Declared]:
    return sorted(SETTINGS.values(), key=lambda each: list(TABLES).index(each.table))


def _option(each: Declared) -> str:
    both = each.type is bool and (each.default or each.setting.negated)
    return f"`--{each.option}`" + (f", `--no-{each.option}`" if both else "")


def _default(each: Declared) -> str:
    return "" if each.written is None else f"`{_toml(each.written)}`"


def _text(each: Declared) -> str:
    text = each.setting.help
    if get_origin(each.type) is Literal:
        *first, last = (f"`{word}`" for word in get_args(each.type))
        text += f" {', '.join(first)} or {last}."
    text = f"{text} {each.setting.more}".rstrip()
    if each.setting.varies and each.table == "probe":
        value = getattr(ON_VECTORS, each.field)
        value = len(value) if each.setting.form is SEEDS else value
        text += "" if value is None else f" By the trunk, on vectors `{_toml(value)}`."
    return text.replace("|", "\\|")


def _toml(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        return f"{{ {', '.join(f'{name} = {_toml(v)}' for name, v in asdict(value).items())} }}"
    return json.dumps(value)


def page() -> str:
    """The page with the tables as they are now."""
    text = PAGE.read_text(encoding="utf-8")
    for table in (variables, keys, reading):
        before, start, rest = text.partition(f"<!-- {table.__name__} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}{start}{table()}\n{end}{after}"
    return text


def main() -> None:
    """Print, write or check the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if asked.write:
        PAGE.write_text(page(), encoding="utf-8")
    elif asked.check:
        sys.exit(page() != PAGE.read_text(encoding="utf-8"))
    else:
        sys.stdout.write(f"{variables()}\n\n{keys()}\n\n{reading()}\n")


if __name__ == "__main__":
    main()
