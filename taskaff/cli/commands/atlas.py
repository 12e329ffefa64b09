"""``taskaff atlas``: measured transfer between many data sets, which predictions learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from taskaff.cli.groups import spread
from taskaff.cli.help import Commands
from taskaff.cli.options import ConfigOptions, EncodingOptions
from taskaff.cli.streams import say, write

if TYPE_CHECKING:
    from taskaff.core.config import Config

app = Commands(
    "Build, show, evaluate what predictions learn from.",
    "atlas show",
    "atlas build DATA -o atlas.parquet",
    "atlas append result.json",
)

Atlas = Annotated[
    Path | None, Option("--atlas", metavar="FILE", help="In place of what predictions use.")
]


@app.add("atlas build DATA -o atlas.parquet")
@spread
def build(
    folders: Annotated[list[Path], Argument(metavar="DIR", help="Folders of data-set folders.")],
    encoding: EncodingOptions,
    choice: ConfigOptions,
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", help="The atlas.")],
    setup: Annotated[
        list[str] | None,
        Option(metavar="n=300,r=16,...", help="A set-up: encoder, n, r, trunk, seeds, sources..."),
    ] = None,
    onto: Annotated[
        Path | None, Option(metavar="FILE", help="An atlas whose gains are taken over.")
    ] = None,
    groups: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Table of data sets: name, domain, label. For related=N."),
    ] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Say nothing.")] = False,
) -> None:
    """Train every pair of the data sets under DIR; what was finished is not trained again."""
    from taskaff.cli.progress import ProgressBar
    from taskaff.cli.settings import read_config, run_settings
    from taskaff.pipeline.atlas.build import build as build_atlas
    from taskaff.pipeline.atlas.setups import parse_setup

    config = read_config(choice, encoding)
    settings = run_settings(config)
    texts = setup or ["n=300,r=16,seeds=8"]
    setups = [parse_setup(text, settings.encoder) for text in texts]
    with ProgressBar(quiet) as progress:
        table = build_atlas(folders, output, setups, settings, progress, say, onto, groups or ())
    if not quiet:
        say(f"wrote {output}: {table.num_rows:,} rows, {output.stat().st_size:,} bytes")


@app.add("atlas show")
@spread
def show(choice: ConfigOptions, atlas: Atlas = None) -> None:
    """Say what was measured: data sets, set-ups, seeds, shares of help and harm."""
    from taskaff.pipeline.atlas.append import described

    for line in described(_paths(choice, atlas)):
        write(line + "\n")


@app.add("atlas fit")
@spread
def fit(choice: ConfigOptions) -> None:
    """Fit the predictor now and keep it in the cache, as the first prediction would."""
    from taskaff.cli.settings import predict_settings
    from taskaff.core.errors import UsageError
    from taskaff.pipeline import prediction

    settings = predict_settings(_config(choice))
    if settings is None:
        raise UsageError("predictions are off", hint="--config predict.enabled=true")
    fitted = prediction.model_of(settings)
    say(f"predictor {prediction.identity(settings)}: {len(fitted.centre.roots)} trees")


@app.add("atlas evaluate -o evaluation.json")
@spread
def evaluate(
    choice: ConfigOptions,
    atlas: Atlas = None,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE", help="JSON, in place of a table.")
    ] = None,
    resamples: Annotated[
        int, Option(min=0, metavar="N", help="Resamples of data sets for the intervals.")
    ] = 100,
    blocks: Annotated[
        int, Option(min=3, metavar="N", help="Blocks of data sets; fits see all but two of them.")
    ] = 7,
) -> None:
    """Predict pairs of data sets from all others, and compare with what was measured."""
    import json

    from taskaff.cli.files import whole_file
    from taskaff.stages.predict import atlas as atlases
    from taskaff.stages.predict.evaluate import evaluate as evaluated

    measured = atlases.joined([atlases.read(path) for path in _paths(choice, atlas)])
    found = evaluated(measured, resamples, blocks)
    if output is not None:
        with whole_file(output) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    for line in _lines(found):
        write(line + "\n")


@app.add("atlas append result.json")
@spread
def append(
    results: Annotated[
        list[Path], Argument(metavar="RESULT", help="JSON that taskaff probe wrote.")
    ],
    choice: ConfigOptions,
    atlas: Atlas = None,
) -> None:
    """Add finished probes to your own atlas, from which predictions then learn too."""
    from taskaff.cli.settings import atlas_path
    from taskaff.pipeline.atlas.append import append as append_results

    target = atlas or atlas_path(_config(choice))
    added, total = append_results(results, target)
    say(f"{target}: {added:,} rows added, {total:,} in all")


def _config(choice: ConfigOptions) -> Config:
    from taskaff.cli.settings import read_config

    return read_config(choice)


def _paths(choice: ConfigOptions, atlas: Path | None) -> list[Path]:
    from taskaff.cli.settings import atlas_path
    from taskaff.stages.predict import SHIPPED

    if atlas is not None:
        return [atlas]
    own = atlas_path(_config(choice))
    return [SHIPPED, own] if own.exists() else [SHIPPED]


def _lines(found: dict[str, Any]) -> list[str]:
    """The evaluation as text: a block a set-up."""
    lines = [f"{found['data_sets']} data sets, pairs predicted from the pairs of all others"]
    header = f"{'':24}{'all pairs':>10}{'in target':>10}{'AUC harm':>10}{'AUC help':>10}"
    for each in found["set_ups"]:
        lines += [
            "",
            f"{each['encoder']}, {each['trunk']}, n = {each['target_rows']}, "
            f"r = {each['r']}, known: {each['view']}; {each['pairs']:,} pairs, "
            f"{each['seeds']:.1f} seeds",
            header,
        ]
        ceiling = each["ceiling"]
        lines.append(f"{'noise ceiling':24}{ceiling['all']:>10.2f}{ceiling['within']:>10.2f}")
        for name, row in each["order"].items():
            cells = (row[key][0] for key in ("spearman", "within", "auc_negative", "auc_positive"))
            lines.append(f"{name:24}" + "".join(f"{_cell(x):>10}" for x in cells))
        chances = each["probabilities"]
        errors = ", ".join(
            f"{chances[f'negative {m}']['calibration_error']:.3f}" for m in ("0", "0.01", "0.02")
        )
        lines.append(
            f"calibration error of harm at 0, 0.01, 0.02: {errors}; "
            f"90 % intervals cover {chances['coverage_90']:.1%}"
        )
    return lines


def _cell(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}"
