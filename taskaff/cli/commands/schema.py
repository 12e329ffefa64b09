"""``taskaff schema``."""

from __future__ import annotations

from taskaff.cli.help import Commands
from taskaff.cli.streams import write_json

app = Commands(
    "Print the JSON Schema of what taskaff writes and reads.", "schema result > result.schema.json"
)


@app.add("schema result")
def result() -> None:
    """Print the JSON Schema of the documents that --json prints."""
    from taskaff.stages.report import result_schema

    write_json(result_schema())


@app.add("schema config")
def config() -> None:
    """Print the JSON Schema of taskaff.toml."""
    from taskaff.core.config import config_schema

    write_json(config_schema())
