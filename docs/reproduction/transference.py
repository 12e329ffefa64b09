"""Transference over training, and leaving a task out of some updates (Fifty et al.; T).

TASKAFF_DATA=FOLDER python docs/reproduction/transference.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _kit as kit
import numpy as np
from pyarrow import csv
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETS = ("mr", "sst", "cr", "mpqa", "subj", "trec")
MIXES = (("mr", "sst", "trec"), ("cr", "mpqa", "subj"), ("sst", "subj", "trec"))
SHUFFLED = "mr"
SHARES = (0.05, 0.1, 0.25, 0.5)
"""Of the updates after which the source leaves; 0 is the target alone, 1 the whole training."""
EPOCHS, SEEDS = 60, 20
"""The first half of the seeds chooses, the other half is what is reported."""
EVERY = 10
"""Updates of the target from one look at transference to the next, the product's number."""
WORDS = ["--recipe", "turns", "--config", "probe.weight_decay=[0.0]", "--no-predict"]


def probe(names: Sequence[str | Path], quick: bool, *more: str | float) -> kit.Result:
    """The product's result for data sets of the folder ``sentiment``, or of others."""
    root = Path(os.environ["TASKAFF_DATA"]) / "sentiment"
    size = ["--epochs", 3 if quick else EPOCHS, "--seeds", 4 if quick else SEEDS]
    return kit.taskaff("probe", *(root / name for name in names), *size, *WORDS, *more)


def permuted(quick: bool) -> dict[str, kit.Result]:
    """``Z`` of a source whose labels are shuffled among its rows: it knows nothing."""
    root = Path(os.environ["TASKAFF_DATA"]) / "sentiment" / SHUFFLED / "data.csv"
    table = csv.read_csv(root)
    labels = table["label"].take(np.random.default_rng(7).permutation(len(table)))
    table = table.set_column(table.column_names.index("label"), "label", labels)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shuffled.csv"
        csv.write_csv(table, file)
        names = [file, *(name for name in MIXES[0] if name != SHUFFLED)]
        found = raw_curves(probe(names, quick, "--transference"), "pair")
    return {pair: windows(curve) for pair, curve in found.items() if pair.startswith("shuffled")}


def losses(found: kit.Result, key: str) -> dict[str, list[float]]:
    """Held-out loss of every seed by ``source > target``."""
    return {
        f"{pair['source']} > {pair['target']}": [round(s[key], 6) for s in pair["seeds"]]
        for pair in found["pairs"]
    }


def raw_curves(found: kit.Result, run: str) -> dict[str, kit.Result]:
    """``Z`` of every seed in windows of training, and the yardstick ``Z_jj``."""
    return {
        f"{row['source']} > {row['target']}": {
            "updates": [window["update"] for window in row["over_time"]],
            "z": np.array(row["by_seed"]),
            "mean": [1000 * row["z"][end] for end in ("value", "low", "high")],
            "own": row["own"]["value"],
        }
        for row in found["transference"]
        if row["run"] == run
    }


def windows(curve: kit.Result) -> kit.Result:
    """``Z`` in thousandths: its mean, each window and first less last, intervals over seeds."""
    Z = 1000 * curve["z"]
    return {
        "updates": curve["updates"],
        "mean": [round(z, 5) for z in curve["mean"]],
        "windows": [kit.interval(column) for column in Z.T],
        "fall": kit.interval(Z[:, 0] - Z[:, -1]),
    }


def halves(values: Sequence[Any]) -> tuple[Any, Any]:
    """Seeds that choose, and seeds that are reported."""
    cut = len(values) // 2
    return values[:cut], values[cut:]


def of_pair(curve: kit.Result) -> kit.Result:
    """``Z`` of a pair: the mean over all seeds, and each window over the seeds that choose."""
    choosing = 1000 * np.mean(halves(curve["z"])[0], axis=0)
    mean = [round(z, 5) for z in curve["mean"]]
    return {"mean": mean, "own": 1000 * curve["own"], "choosing": choosing.round(5).tolist()}


def compared(held: dict[str, dict[str, list[float]]], pair: str) -> kit.Result:
    """Mean loss by share over the seeds that choose; how much lower it is over the others.

    ``over``: by share and by what it is compared with, never leaving (1) and at once (0).
    """
    seen = {share: np.array(losses[pair]) for share, losses in held.items()}
    fresh = {share: halves(values)[1] for share, values in seen.items()}
    return {
        "choosing": {s: round(float(halves(v)[0].mean()), 6) for s, v in seen.items()},
        "over": {s: {b: kit.interval(fresh[b] - v) for b in "10"} for s, v in fresh.items()},
    }


def measure(quick: bool) -> kit.Result:
    """Every pair with its source for the whole training and for a part of it; mixes of three."""
    started = time.perf_counter()
    sets, mixes = (SETS[:3], MIXES[:1]) if quick else (SETS, MIXES)
    whole = probe(sets, quick, "--transference")
    held = {"1": losses(whole, "mtl_loss"), "0": losses(whole, "stl_loss")}
    for share in SHARES[1:2] if quick else SHARES:
        held[str(share)] = losses(probe(sets, quick, "--source-until", share), "mtl_loss")
    joint, added = {}, {}
    for mix in mixes:
        same = whole if mix == sets else probe(mix, quick, "--transference")
        joint[" + ".join(mix)] = {p: windows(c) for p, c in raw_curves(same, "all").items()}
        for last in mix:
            names = [name for name in mix if name != last] + [last]
            found = probe(names, quick, "--mode", "mix")
            for pair in found["pairs"]:
                if pair["target"] in names[:-1]:
                    key = f"{last} > {pair['target']}, beside {' + '.join(names[:-1])}"
                    gains = [s["stl_loss"] - s["mtl_loss"] for s in pair["seeds"]]
                    added[key] = kit.interval(gains)
    words = " ".join(WORDS)
    return {
        "commands": [
            f"taskaff probe {' '.join(sets)} --epochs {EPOCHS} --seeds {SEEDS} {words} {more}"
            for more in ("--transference", "--source-until 0.5")
        ]
        + [
            f"taskaff probe {' '.join(mixes[0])} --epochs {EPOCHS} --seeds {SEEDS} {words} {more}"
            for more in ("--transference", "--mode mix")
        ]
        + [f"taskaff probe shuffled.csv sst trec ... --transference, {SHUFFLED} with seed 7"],
        "versions": {"taskaff": version("taskaff"), "torch": version("torch")},
        "pairs": {pair: of_pair(curve) for pair, curve in raw_curves(whole, "pair").items()},
        "losses": {pair: compared(held, pair) for pair in held["1"]},
        "mixes": joint,
        "added": added,
        "permuted": permuted(quick),
        "wall_s": round(time.perf_counter() - started),
    }


# ------------------------------------------------------------------ reading


def fresh(result: kit.Result, pair: str, share: str, base: str) -> list[float]:
    """Interval of how much lower the loss is with ``share`` than with ``base``, fresh seeds."""
    found: list[float] = result["losses"][pair]["over"][share][base]
    return found


def shares_of(result: kit.Result) -> list[str]:
    """The shares that were measured, growing."""
    return sorted(next(iter(result["losses"].values()))["over"], key=float)


def chosen(result: kit.Result, pair: str) -> str:
    """The share of least mean loss on the seeds that choose."""
    means = result["losses"][pair]["choosing"]
    return min(means, key=lambda key: means[key])


def guided(result: kit.Result, pair: str) -> str:
    """The share at which mean ``Z`` of the seeds that choose stops being above 0."""
    Z = np.array(result["pairs"][pair]["choosing"])
    positive = len(Z) if (Z > 0).all() else int(np.argmax(Z <= 0))
    return next(key for key in shares_of(result) if float(key) >= positive / len(Z) - 1e-9)


def decided(found: Sequence[Sequence[float]]) -> tuple[int, int]:
    """Intervals above and below 0."""
    return sum(low > 0 for _, low, _ in found), sum(high < 0 for _, _, high in found)


def summary(result: kit.Result, share: dict[str, str], base: str) -> tuple[list[float], int, int]:
    """Mean over pairs with an interval over pairs, and decided pairs."""
    found = [fresh(result, pair, share[pair], base) for pair in share]
    return kit.interval([mean for mean, _, _ in found]), *decided(found)


def both_signs(curve: kit.Result) -> bool:
    """Whether some window is decided above 0 and some below."""
    up, down = decided(curve["windows"])
    return bool(up and down)


def ends(curve: kit.Result) -> list[str]:
    """First and last window as text."""
    return [kit.mark(curve["windows"][n], 2) for n in (0, -1)]


def correlation(result: kit.Result) -> dict[str, float]:
    """Spearman of ``Z`` (choosing seeds) with the gain (fresh seeds); within targets too."""
    pairs = list(result["pairs"])
    Z = np.array([np.mean(result["pairs"][pair]["choosing"]) for pair in pairs])
    own = np.array([result["pairs"][pair]["own"] for pair in pairs])
    gain = np.array([fresh(result, pair, "1", "0")[0] for pair in pairs])
    targets = np.array([pair.split(" > ")[1] for pair in pairs])
    found = {"z": float(spearmanr(Z, gain)[0]), "ratio": float(spearmanr(Z / own, gain)[0])}
    inside = [float(spearmanr(Z[targets == t], gain[targets == t])[0]) for t in set(targets)]
    return found | {"within": float(np.mean(inside)), "n": len(pairs)}


def tables(result: kit.Result) -> dict[str, str]:
    """Transference over training; leaving a source out of the later updates; signs."""
    rows = []
    for mix, found in result["mixes"].items():
        for pair, curve in found.items():
            cells = [*ends(curve), kit.mark(curve["fall"], 2)]
            signs = "yes" if both_signs(curve) else "no"
            rows.append([mix, pair.replace(">", "→"), *cells, signs])
    head = ["mix", "pair", "Z · 1000, first tenth", "last tenth", "first − last", "both signs"]
    leave = []
    pairs = list(result["pairs"])
    rules = {
        f"after {100 * float(key):g} %": dict.fromkeys(pairs, key) for key in shares_of(result)
    }
    rules |= {
        "at the share that is best on other seeds": {pair: chosen(result, pair) for pair in pairs},
        "when Z is no longer above 0": {pair: guided(result, pair) for pair in pairs},
    }
    for name, share in rules.items():
        cells = []
        for base in ("1", "0"):
            mean, up, down = summary(result, share, base)
            cells += [kit.mark(mean, 4), f"{up} / {down}"]
        leave.append([name, *cells])
    columns = ["the source leaves", "gain over never", "better / worse", "gain over at once"]
    each = []
    for pair in pairs:
        best = chosen(result, pair)
        gains = [fresh(result, pair, best, base) for base in ("1", "0")]
        curve = result["pairs"][pair]
        Z = kit.mark(curve["mean"], 2)
        cells = [kit.mark(fresh(result, pair, "1", "0")), f"{100 * float(best):g} %"]
        each.append([pair.replace(">", "→"), Z, *cells, *(kit.mark(g) for g in gains)])
    last = ["pair", "Z · 1000", "gain, never leaves", "best share", "over never", "over at once"]
    added = [[key.replace(">", "→"), kit.mark(gain)] for key, gain in result["added"].items()]
    shuffled = [
        [
            pair.replace("shuffled >", f"{SHUFFLED} with shuffled labels →"),
            kit.mark(curve["mean"], 2),
            *ends(curve),
        ]
        for pair, curve in result["permuted"].items()
    ]
    return {
        "permuted": kit.table(["pair", "Z · 1000", "first tenth", "last tenth"], shuffled),
        "mixes": kit.table(head, rows),
        "leave": kit.table([*columns, "better / worse"], leave),
        "pairs": kit.table(last, each),
        "added": kit.table(["added task → member", "gain of the member"], added),
    }


def plot(result: kit.Result) -> Figure:
    """``Z`` over training of the first mix; gain over never leaving, by share."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    mix, found = next(iter(result["mixes"].items()))
    for pair, curve in found.items():
        each = np.array(curve["windows"])
        (line,) = left.plot(curve["updates"], each[:, 0], lw=1.4, label=pair.replace(">", "→"))
        left.fill_between(curve["updates"], *each[:, 1:].T, color=line.get_color(), alpha=0.1)
    left.axhline(0, color="black", lw=0.8)
    left.set(xlabel="update", title=f"mix of {mix}: transference Z over training, 90 %")
    left.title.set_fontsize(9)
    left.set_ylabel("Z · 1000")
    left.legend(fontsize=7)
    shares, pairs = shares_of(result), list(result["pairs"])
    targets = list(dict.fromkeys(pair.split(" > ")[1] for pair in pairs))
    gains = np.array([[fresh(result, pair, share, "1")[0] for share in shares] for pair in pairs])
    for pair, line in zip(pairs, gains, strict=True):
        number = targets.index(pair.split(" > ")[1])
        first = pair == next(p for p in pairs if p.endswith(f"> {targets[number]}"))
        label = f"onto {targets[number]}" if first else None
        right.plot(line, lw=0.9, alpha=0.7, color=f"C{number}", label=label)
    mean, low, high = np.array([kit.interval(column) for column in gains.T]).T
    right.errorbar(
        range(len(shares)),
        mean,
        [mean - low, high - mean],
        color="black",
        marker="o",
        ms=4,
        capsize=3,
        label="mean of pairs, 90 %",
    )
    right.axhline(0, color="black", lw=0.8)
    right.set_xticks(range(len(shares)), [f"{100 * float(s):g}" for s in shares])
    right.set(xlabel="the source leaves after this share of the updates, %")
    right.set_ylabel("gain over never leaving, nats")
    right.set_title("each pair, mean over fresh seeds", fontsize=9)
    right.legend(fontsize=7)
    figure.tight_layout()
    return figure


def claims(result: kit.Result) -> list[kit.Claim]:
    """The two observations, the signs and the order of pairs."""
    seen = [curve for found in result["mixes"].values() for curve in found.values()]
    changed, both = sum(decided([w["fall"] for w in seen])), sum(map(both_signs, seen))
    pairs = list(result["pairs"])
    best, by_z = ({pair: rule(result, pair) for pair in pairs} for rule in (chosen, guided))
    never, at_once = summary(result, best, "1"), summary(result, best, "0")
    partly = [pair for pair in pairs if best[pair] not in ("0", "1")]
    beats = sum(
        all(fresh(result, pair, best[pair], base)[1] > 0 for base in ("0", "1")) for pair in partly
    )
    z_never, z_once = summary(result, by_z, "1"), summary(result, by_z, "0")
    last = shares_of(result)[-2]
    half, latest = summary(result, dict.fromkeys(pairs, last), "1")[0], float(last)
    signs = decided([result["pairs"][pair]["mean"] for pair in pairs])
    blank = decided([curve["mean"] for curve in result["permuted"].values()])
    gains = decided([fresh(result, pair, "1", "0") for pair in pairs])
    c = correlation(result)
    n, chance = len(pairs), 0.05 * len(partly)
    return [
        kit.Claim(
            "Transference, first observation",
            "it depends on convergence and varies significantly throughout training",
            f"mixes of three: first and last tenth differ in {changed} of {len(seen)} pairs; "
            f"{both} have windows decided on both sides of 0",
            "agrees" if changed > len(seen) / 2 else "in part" if changed else "differs",
            f"{seen[0]['updates'][0] // EVERY} looks in a tenth of it decide few pairs",
        ),
        kit.Claim(
            "Transference, second observation",
            "excluding task gradients for select minibatches can improve learning",
            f"leaving at the best share: {kit.mark(never[0], 4)} nats over never leaving "
            f"({never[1]} of {n} pairs better, {never[2]} worse), {kit.mark(at_once[0], 4)} over "
            f"the target alone; better than both in {beats} of {len(partly)} pairs that leave late",
            "agrees"
            if never[0][1] > 0 and beats > max(1.0, 2 * chance)
            else "in part"
            if never[0][1] > 0
            else "differs",
            f"leaving after {100 * latest:g} % {kit.mark(half, 4)} over never; by chance "
            f"about {chance:.1f} would be better than both",
        ),
        kit.Claim(
            "Transference as the guide",
            "deciding by it which gradients to combine improves performance",
            f"leaving when Z is no longer above 0: {kit.mark(z_never[0], 4)} nats over never, "
            f"{kit.mark(z_once[0], 4)} over at once",
            "agrees"
            if z_never[0][1] > 0 and z_once[0][1] > 0
            else "in part"
            if z_never[0][1] > 0
            else "differs",
            "a rule of ours: theirs decides at every step",
        ),
        kit.Claim(
            "Transference, sign",
            "affinities published by its successor (TAG) are all of one sign",
            f"Z: {signs[0]} of {n} pairs above 0, {signs[1]} below; measured gains: {gains[0]} "
            f"above, {gains[1]} below",
            "differs" if min(signs) else "agrees" if max(signs) == n else "in part",
            f"a source with shuffled labels: {blank[0]} of {len(result['permuted'])} above 0, "
            f"{blank[1]} below",
        ),
        kit.Claim(
            "Transference, order",
            "it can select which tasks to train together",
            f"Spearman of Z with measured gains {c['z']:.2f}, of Z_ij / Z_jj {c['ratio']:.2f} "
            f"({n} pairs, other seeds); within a target {c['within']:.2f}",
            "agrees"
            if min(c["z"], c["within"]) > 0.5
            else "in part"
            if c["z"] > 0.2
            else "differs",
        ),
    ]


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
