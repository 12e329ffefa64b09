"""What the recipe decides: the shared single-text sets under turns, concat and over shares.

    TASKAFF_DATA=FOLDER python docs/benchmarks/recipes.py measure --out parts   # resumable
    TASKAFF_DATA=FOLDER python docs/benchmarks/recipes.py show --out parts      # recipes.json

``measure`` trains every directed pair of the six sentiment sets under all recipes, and then all
pairs of the single-text sets under ``turns`` and ``concat``; one file a part, so that an
interruption loses one. ``show`` counts verdicts, compares orders and signs, and fills the tables of
``docs/recipes.md`` between their markers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit
from scipy.stats import spearmanr

from taskaff.core.recipe import BEST, CURVE
from taskaff.core.records.data import DataRequest
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import ProbeResult
from taskaff.core.settings import ProbeSettings
from taskaff.pipeline.session import Session
from taskaff.pipeline.training_rows import tasks_of
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.run import probe
from taskaff.stages.report.probe.words import CALLS

SIX = tuple(f"sentiment/{name}" for name in ("mr", "sst", "cr", "mpqa", "subj", "trec"))
LEFT_OUT = {"sst5", "trec_fine", "clinc150_intent"}
"""The same texts as another set, or more classes than 300 rows can teach."""
DOCUMENT = Path(__file__).with_name("recipes.json")
PAGE = Path(__file__).parents[1] / "recipes.md"
TELLING = (
    *(("sst", "mr"), ("mr", "sst"), ("cr", "sst"), ("mpqa", "sst"), ("sst", "cr")),
    *(("trec", "mr"), ("subj", "mpqa"), ("trec", "mpqa"), ("sst", "trec"), ("subj", "trec")),
)
"""Pairs of the page's table over shares: five that share a domain, five that do not."""


def single_texts(data: Path) -> list[str]:
    """Single-text sets of the shared folder, by name."""
    folders = [p for part in ("sentiment", "calibration") for p in sorted((data / part).iterdir())]
    return [f"{p.parent.name}/{p.name}" for p in folders if p.is_dir() and p.name not in LEFT_OUT]


def every_task(data: Path) -> dict[str, TaskVectors]:
    """The rows of all sets, as the probe takes them."""
    names = single_texts(data)
    requests = [DataRequest(str(data / name)) for name in names]
    return dict(zip(names, tasks_of(Session(), requests, ProbeSettings()).tasks, strict=True))


def parts(data: Path, seeds: int) -> Iterator[tuple[str, list[str], ProbeSettings]]:
    """Name, data sets and settings of every part."""
    fixed = settings_for({"seeds": tuple(range(seeds))})
    yield "six", list(SIX), replace(fixed, shares=True)
    names = single_texts(data)
    for target in names:
        others = [name for name in names if name != target]
        short = target.partition("/")[2]
        settings = replace(fixed, targets=(short,), seeds=tuple(range(max(4, seeds // 2))))
        yield f"all-{short}", [target, *others], settings


def row(pair: Any) -> dict[str, Any]:
    """What the page needs of one outcome."""
    return {
        "source": pair.source,
        "target": pair.target,
        "recipe": pair.recipe,
        "share": pair.share,
        "verdict": pair.verdict.call,
        "gain": pair.gain.mean,
        "low": pair.gain.low,
        "high": pair.gain.high,
        "stderr": pair.gain.stderr,
        "fixed": pair.gain.fixed,
        "metric_gain": pair.metric_gain.mean,
        "stl_loss": pair.stl_loss,
        "at_cap": pair.at_cap,
        "seeds": pair.gain.n,
        "updates": np.median([s.updates for s in pair.seeds], axis=0).tolist(),
    }


def measure(data: Path, out: Path, seeds: int) -> None:
    """Train what is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    known = every_task(data)
    for name, sets, settings in parts(data, seeds):
        path = out / f"{name}.json"
        if path.exists():
            continue
        result: ProbeResult = probe([known[each] for each in sets], settings)
        rows = [row(pair) for pair in result.pairs]
        found = {"rows": rows, "seconds": result.timings["train"], "runs": result.runs}
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(found), encoding="utf-8")
        temporary.replace(path)
        print(name, f"{len(rows)} outcomes, {found['seconds']:.0f} s", flush=True)


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Verdicts, median gain, share below 0, runs that ended at the cap."""
    gains = np.array([r["gain"] for r in rows])
    by = Counter(r["verdict"] for r in rows)
    calls = ("positive", "negative", "neutral", "inconclusive")
    return {
        "pairs": len(rows),
        **{call: by[call] for call in calls},
        "median": round(float(np.median(gains)), 4),
        "below_0": round(float((gains < 0).mean()), 3),
        "at_cap": int(sum(r["at_cap"] > 0 for r in rows)),
        "updates": np.round(np.median([r["updates"] for r in rows], axis=0)).tolist(),
    }


def agreement(one: Sequence[dict[str, Any]], two: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Spearman's correlation of gains, and the share of pairs with one sign."""
    ends = [{(r["source"], r["target"]): r["gain"] for r in rows} for rows in (one, two)]
    keys = sorted(ends[0].keys() & ends[1].keys())
    a, b = (np.array([gains[k] for k in keys]) for gains in ends)
    same = float((np.sign(a) == np.sign(b)).mean())
    return {"order": round(float(spearmanr(a, b).statistic), 3), "signs": round(same, 3)}


def by_old_rule(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Verdicts at margin 0: by intervals over seeds alone, and with the finite rows in them."""
    seeds = [(r["gain"], float(stdtrit(r["seeds"] - 1, 0.95)) * r["stderr"]) for r in rows]
    return {
        "seeds_positive": sum(gain - reach > 0 for gain, reach in seeds),
        "seeds_negative": sum(gain + reach < 0 for gain, reach in seeds),
        "positive": sum(r["low"] > 0 for r in rows),
        "negative": sum(r["high"] < 0 for r in rows),
    }


def widths(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Half-widths of the intervals, what margins they allow, and the part of the finite rows."""
    half = np.array([(r["high"] - r["low"]) / 2 for r in rows])
    reach = np.array([max(abs(r["low"]), abs(r["high"])) for r in rows])
    return {
        "median": float(np.median(half)),
        "tenth": float(np.quantile(half, 0.1)),
        "nine_tenths": float(np.quantile(half, 0.9)),
        "within_0.005": int((reach <= 0.005).sum()),
        "within_0.01": int((reach <= 0.01).sum()),
        "finite_over_seeds": float(np.median([r["fixed"] / r["stderr"] for r in rows])),
    }


def document_of(files: dict[str, Any]) -> dict[str, Any]:
    """Everything that the page shows."""
    six = files["six"]["rows"]
    wide = [r for name, found in files.items() if name != "six" for r in found["rows"]]
    document: dict[str, Any] = {"six": {}, "all": {}, "targets": len(files) - 1}
    for part, rows, recipes in (
        ("six", six, ("turns", "concat", *CURVE, BEST)),
        ("all", wide, ("turns", "concat")),
    ):
        if rows:
            split = {name: [r for r in rows if r["recipe"] == name] for name in recipes}
            document[part] = {name: counts(own) for name, own in split.items()}
            document[part]["agreement"] = agreement(split["turns"], split["concat"])
            document[part]["margin_0"] = {
                name: by_old_rule(split[name]) for name in ("turns", "concat")
            }
            document[part]["widths"] = widths(split["turns"])
    document["curves"] = six
    document["runs"] = {name: found["runs"] for name, found in files.items()}
    return document


def signed(x: float) -> str:
    """Three places, with a minus sign that is one."""
    return f"{x:+.3f}".replace("-", "\N{MINUS SIGN}")


def verdict_table(found: dict[str, Any]) -> str:
    """A row a recipe."""
    lines = [
        "| recipe | helps | hurts | no effect | undecided | median gain | below 0 | at the cap |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (name for name in ("turns", "concat", *CURVE, BEST) if name in found):
        c = found[name]
        calls = [c[call] for call in ("positive", "negative", "neutral", "inconclusive")]
        cells = [name, *calls, signed(c["median"]), f"{c['below_0']:.0%}", c["at_cap"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def curve_table(rows: Sequence[dict[str, Any]]) -> str:
    """A row a telling pair: gains over shares, and verdicts."""
    of = {(r["source"], r["target"], r["recipe"]): r for r in rows}
    shares = " | ".join(f"{float(name.partition('=')[2]):.0%}" for name in CURVE)
    lines = [
        f"| pair | {shares} | 50% (`turns`) | `concat` | verdict under `turns` | at the best |",
        "|---" + "|---:" * (len(CURVE) + 2) + "|---|---|",
    ]
    for ends in TELLING:
        own = {name: of[(*ends, name)] for name in (*CURVE, "turns", "concat", BEST)}
        now = own["turns"]
        cells = [f"{ends[0]} → {ends[1]}", *(signed(own[n]["gain"]) for n in (*CURVE, "turns"))]
        cells.append(f"{signed(own['concat']['gain'])} ({own['concat']['share']:.0%})")
        cells.append(f"[{signed(now['low'])}, {signed(now['high'])}] {CALLS[now['verdict']]}")
        lines.append("| " + " | ".join([*cells, CALLS[own[BEST]["verdict"]]]) + " |")
    return "\n".join(lines)


def filled(text: str, document: dict[str, Any]) -> str:
    """The page with its tables made anew."""
    tables = {
        "six": verdict_table(document["six"]),
        "all": verdict_table(document["all"]),
        "curves": curve_table(document["curves"]),
    }
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda m, table=table: m[1] + table + m[2], text)
    return text


def show(out: Path) -> None:
    """Write the document and the page's tables."""
    files = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json"))}
    document = document_of(files)
    DOCUMENT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), document), encoding="utf-8")
    print(json.dumps({k: v for k, v in document.items() if k != "curves"}, indent=1))


def main() -> None:
    """Measure or show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("measure", "show"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    if asked.what == "show":
        show(asked.out)
    else:
        measure(Path(os.environ["TASKAFF_DATA"]), asked.out, asked.seeds)


if __name__ == "__main__":
    main()
