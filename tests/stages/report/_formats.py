"""What the formats of CI systems allow: schemas and grammars, written from their descriptions."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jsonschema
import xmlschema

TEXT = {"type": "string"}
WORDS = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
URI = {
    "type": "string",
    "pattern": r"^([A-Za-z][A-Za-z0-9+.-]*:)?(%[0-9A-Fa-f]{2}|[!-$&-;=?-Z_a-z~])*$",
}
MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": WORDS},
    "additionalProperties": False,
}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "additionalProperties": False,
                    "properties": {"uri": URI, "uriBaseId": TEXT},
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
        "logicalLocations": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"fullyQualifiedName": TEXT, "kind": TEXT},
            },
        },
    },
}
RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "ruleIndex", "level", "kind", "locations"],
    "additionalProperties": False,
    "properties": {
        "ruleId": TEXT,
        "ruleIndex": COUNT,
        "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": MESSAGE,
        "locations": {"type": "array", "minItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": TEXT},
        "suppressions": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["kind"],
                "additionalProperties": False,
                "properties": {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": TEXT,
                },
            },
        },
    },
    # section 3.27.10: a kind that is not "fail" leaves no level
    "if": {"properties": {"kind": {"const": "fail"}}},
    "else": {"properties": {"level": {"const": "none"}}},
}
RULE = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": TEXT,
        "name": TEXT,
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
    },
}
SARIF_SUBSET = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": TEXT,
                                    "version": TEXT,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": RULE,
                                    },
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "originalUriBaseIds": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"description": MESSAGE},
                        },
                    },
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""The part of SARIF 2.1.0 (OASIS) that is written here, with nothing else allowed."""

DATA = r"(?:%(?:25|0D|0A)|[^%\r\n])*"
PROPERTY = r"(?:%(?:25|0D|0A|3A|2C)|[^%\r\n:,])+"
ANNOTATION = re.compile(
    rf"::(?:error|warning|notice)"
    rf"(?: (?:file|title)={PROPERTY}(?:,(?:file|title)={PROPERTY})*)?::{DATA}\n"
)
"""One workflow command, as GitHub's documentation and the toolkit's escaping have it."""


@cache
def _junit():
    return xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))


def check_junit(text):
    """Raise when a JUnit document does not follow the schema."""
    _junit().validate(text)


def check_sarif(log):
    """Raise when a SARIF document does not follow the subset."""
    jsonschema.Draft202012Validator(SARIF_SUBSET).validate(log)
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def check_annotations(text):
    """Raise when a line is no workflow command."""
    assert re.fullmatch(rf"(?:{ANNOTATION.pattern})*", text), text


def closed(schema):
    """The same schema without room for keys that it does not document."""
    if isinstance(schema, dict):
        found = {key: closed(value) for key, value in schema.items()}
        if "properties" in found and isinstance(found.get("required"), list):
            found.setdefault("additionalProperties", False)
        return found
    return [closed(each) for each in schema] if isinstance(schema, list) else schema
