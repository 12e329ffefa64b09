"""Names, labels, paths and cells are untrusted text: one function for each place they go to.

Every function is total (any ``str``, lone surrogates included) and is applied once, at the moment
when a piece of foreign text enters the output. ``guard`` is the last step of the formats that are
printed line by line.
"""

from __future__ import annotations

import json
import re
import unicodedata

_JOINER = "\u200d"  # holds emoji together; it neither moves nor hides anything
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK = re.compile(r"^(#|[-+=](?!\d)|\d+(?=[.)]\s))")
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'", "::")  # noqa: RUF001
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::", re.MULTILINE)


def _visible(char: str) -> str:
    r"""A character that a terminal would obey or hide as ``\x1b`` or ``\u202e``."""
    plain = char.isprintable() or char == _JOINER or unicodedata.category(char) == "Zs"
    return char if plain else _code(char)


def _code(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def terminal(text: str) -> str:
    """Text on one line of a terminal: control, bidirectional and invisible characters made visible.

    ``##[`` would start a workflow command anywhere in a line of a CI log, so it is taken apart.
    """
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return text.replace("##[", "##\\x5b")


def markup(text: str) -> str:
    """Text inside rich markup: :func:`terminal`, and no tag is recognised."""
    from rich.markup import escape

    escaped: str = escape(terminal(text))
    return escaped


def markdown(text: str) -> str:
    """Text as a cell of a GitHub table or an item of a list: one line, no markup, no HTML."""
    text = terminal(text).strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _BLOCK.sub(_block, _MARKDOWN.sub(r"\\\g<0>", text))
    # The zero-width space keeps "@name" from notifying someone and an address from being a link.
    text = text.replace("@", "@&#8203;").replace("://", ":&#8203;//")
    return _WWW.sub(r"\1&#8203;.", text)


def _block(match: re.Match[str]) -> str:
    """The start of a heading, list or rule; a number keeps its digits."""
    mark = match.group(0)
    return f"{mark}&#8203;" if mark.isdigit() else f"\\{mark}"


def csv_cell(text: str) -> str:
    """A text cell of a CSV file, quoted when needed, that no spreadsheet takes for a formula.

    A leading ``= + - @``, tab or line end is preceded by an apostrophe (so is an apostrophe, which
    keeps different names different); control characters are made visible as in a terminal.
    """
    prefix = "'" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else ""
    text = prefix + terminal(text)
    if any(mark in text for mark in ',"') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def json_text(text: str) -> str:
    """A JSON string, quotes included, that parses back to ``text`` and is safe to print."""
    return json_safe(json.dumps(text, ensure_ascii=False))


def json_safe(document: str) -> str:
    r"""A JSON document with every unsafe character of its strings written as ``\uXXXX``."""
    if not document.replace("\n", "").isprintable():
        document = "".join(map(_json_char, document))
    return document.replace("##[", "##\\u005b")


def _json_char(char: str) -> str:
    if char == "\n" or _visible(char) == char:  # a line end outside of strings is layout
        return char
    return json.dumps(char)[1:-1]


def guard(text: str) -> str:
    """Printed lines none of which is a workflow command (``::error::`` at the start of a line)."""
    return _COMMAND.sub(r"\1: :", text)
