"""W Figure 12 and section 3.2: Algorithm 2 against equal weights and Kendall's, shared inputs.

TASKAFF_DATA=FOLDER python docs/reproduction/reweighting.py
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import _kit as kit
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from taskaff.core.svd_weights import svd_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Model = tuple[str, int]
Labels = np.ndarray
Cell = kit.Result

SETS = ("goemotions", "yeast", "scene", "emotions", "tmc2007")
SHARE = {"goemotions": 0.1, "tmc2007": 0.1}
"""W take a tenth of 112,120 images; a tenth of the small sets would leave nothing."""
TEST_ROWS, LEAST, MOST = 2000, 0.02, 14
"""Test rows at most; share of positives that a label needs; labels of a mix, as W's fourteen."""
RULES = {
    "equal": "equal",
    "uncertainty": "Kendall",
    "svd-printed": "Algorithm 2, printed",
    "svd": "Algorithm 2, normalised",
}
OURS = ("svd-printed", "svd")
SHARED = "what tasks share"
RANKS = ("rank 1", "rank 2", "rank 4", "all labels", SHARED)
"""Of Algorithm 2, where its weights are looked at; the last is the rank of the product."""
PAIR_RANKS = ("equal", "svd-printed 1", "svd-printed 2")
"""Rules of pairs by rank; the normalised form weighs two tasks alike at both."""
RANKED = ("emotions", "scene", "yeast")
"""Sets whose ranks are compared: the smaller ones."""
PAIR_MODELS: dict[str, Model] = {
    "linear r=1": ("linear", 1),
    "linear r=2": ("linear", 2),
    "mlp r=16": ("mlp", 16),
}
MIX_MODELS: dict[str, Model] = {"linear r=2": ("linear", 2), "mlp r=16": ("mlp", 16)}
NOISE = {"clean": 0.0, "20 %": 0.2, "100 %": 1.0}
"""Share of one task's training rows whose label is flipped with probability 0.5."""
WORDS = ["--mode", "mix", "--recipe", "together", "--label-kind", "multilabel", "--no-predict"]
WORDS += ["--epochs", "20", "--batch", "64", "--target-rows", "100000"]
WORDS += ["--config", "probe.weight_decay=[0.0]"]
SEED = 2020


class Data:
    """One multi-label set: inputs, labels and splits, and the task files made of them."""

    def __init__(self, name: str) -> None:
        self.name, self.text = name, name == "goemotions"
        rng = np.random.default_rng([SEED, SETS.index(name)])
        train, test = self._read("train", rng), self._read("test", rng)
        names = [column for column in train.column_names if column.startswith("label::")]
        names = names or [column for column in train.column_names if column != "text"]
        share = {label: float(np.mean(train[label].to_numpy())) for label in names}
        self.labels = [label for label in names if LEAST <= share[label] <= 1 - LEAST]
        held = train.num_rows // 5
        sizes = [train.num_rows - held, held, test.num_rows]
        self.split = np.repeat(["train", "validation", "test"], sizes)
        whole = pa.concat_tables([train, test])
        self.inputs = whole["text"].to_pylist() if self.text else self._features(whole, names)
        self.Y = {label: whole[label].to_numpy().astype(np.int8) for label in self.labels}

    def _read(self, split: str, rng: np.random.Generator) -> pa.Table:
        path = Path(os.environ["TASKAFF_DATA"]) / "multilabel" / self.name / f"{split}.parquet"
        table = pq.read_table(path)
        if self.text:  # the probe finds rows by content: one row a text
            texts = np.array([text.lower() for text in table["text"].to_pylist()])
            table = table.take(np.sort(np.unique(texts, return_index=True)[1]))
        rows = round(table.num_rows * SHARE.get(self.name, 1.0))
        rows = rows if split == "train" else min(TEST_ROWS, table.num_rows)
        return table.take(rng.permutation(table.num_rows)[:rows])

    def _features(self, whole: pa.Table, labels: Sequence[str]) -> list[list[float]]:
        """Standardised by the training rows."""
        names = [column for column in whole.column_names if column not in labels]
        X = np.column_stack([whole[name].to_numpy() for name in names]).astype(np.float64)
        seen = X[self.split == "train"]
        spread = seen.std(axis=0)
        X = (X - seen.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        return X.astype(np.float32).tolist()

    def noisy(self, labels: Sequence[str], noisy: int, share: float) -> list[Labels]:
        """Label columns; ``share`` of the training rows of one flipped with probability 0.5."""
        rng = np.random.default_rng([SEED, 1, SETS.index(self.name), *map(ord, "".join(labels))])
        train = rng.permutation(np.flatnonzero(self.split == "train"))
        chance = rng.random(len(train)) < 0.5
        columns = [self.Y[label].copy() for label in labels]
        rows = train[: round(share * len(train))]
        columns[noisy][rows] ^= chance[: len(rows)]
        return columns

    def write(self, folder: Path, labels: Sequence[str], noisy: int, share: float) -> list[Path]:
        """Task files; ``share`` of the training rows of one are flipped with probability 0.5."""
        paths = []
        for label, y in zip(labels, self.noisy(labels, noisy, share), strict=True):
            paths.append(folder / f"{short(label)}.parquet")
            column = "text" if self.text else "vector"
            columns = {column: self.inputs, f"label::{short(label)}": y, "split": self.split}
            pq.write_table(pa.table(columns), paths[-1])
        return paths

    def weights(self, labels: Sequence[str], noisy: int, share: float) -> dict[str, float]:
        """What Algorithm 2 gives the noisy label, by form and rank; the mean of all labels is 1."""
        rows = self.split == "train"
        X = np.array(self.inputs, dtype=np.float64)[rows]
        columns = [y[rows, None].astype(np.float64) for y in self.noisy(labels, noisy, share)]
        found = {}
        for form in OURS:
            centred = form == "svd"
            x = X - X.mean(axis=0) if centred else X
            thetas = [x.T @ (y - y.mean() if centred else y) for y in columns]
            spectrum = np.linalg.eigvalsh(x.T @ x)
            for name in RANKS:
                rank = (
                    len(labels)
                    if name == "all labels"
                    else int(name[5:])
                    if name != SHARED
                    else None
                )
                weights, _ = svd_weights(thetas, rank, normalise=centred, spectrum=spectrum)
                found[f"{form} {name}"] = float(weights[noisy] / weights.mean())
        return found


def short(label: str) -> str:
    """A label as a file name."""
    return label.removeprefix("label::").replace("-", "_")


def auc(files: Sequence[Path], rule: str, model: Model, seeds: int) -> Cell:
    """Mean AUC of the tasks trained jointly, in %, its interval over seeds; alone; the weights."""
    (trunk, r), (weights, _, rank) = model, rule.partition(" ")
    words = ["--trunk", trunk, "--r", r, "--weights", weights, "--seeds", seeds, *WORDS]
    words += ["--svd-rank", rank] if rank else []
    found = kit.taskaff("probe", *files, *words)
    whole = next(pair for pair in found["pairs"] if pair["target"] == "all")
    by_task = found["weights"].get(" + ".join(file.stem for file in files), {})
    cell: Cell = {
        "auc": percent([seed["mtl_metric"] for seed in whole["seeds"]]),
        "alone": percent([seed["stl_metric"] for seed in whole["seeds"]])[0],
    }
    if len(files) == 2:
        cell["weights"] = {name: round(value, 3) for name, value in by_task.items()}
    return cell


def percent(values: Sequence[float]) -> list[float]:
    """Interval over the seeds that have a value, in %."""
    return kit.interval([100 * value for value in values if np.isfinite(value)])


def group(
    data: Data,
    labels: Sequence[str],
    noisy: int,
    levels: Sequence[str],
    models: Mapping[str, Model],
    seeds: int,
    rules: Sequence[str] = tuple(RULES),
) -> Cell:
    """All rules, models and noise levels of the same label columns."""
    cells = {}
    for level in levels:
        with tempfile.TemporaryDirectory() as folder:
            files = data.write(Path(folder), labels, noisy, NOISE[level])
            for (name, model), rule in itertools.product(models.items(), rules):
                cells[f"{level} | {name} | {rule}"] = auc(files, rule, model, seeds)
    names = [short(label) for label in labels]
    return {"set": data.name, "labels": names, "noisy": names[noisy], "cells": cells}


def drawn(data: Data, quick: bool) -> tuple[list[tuple[list[str], int]], tuple[list[str], int]]:
    """Labels of the pairs and of the mix of a set, each with the number of the noisy one."""
    rng = np.random.default_rng([SEED, 2, SETS.index(data.name)])
    pairs = [
        (list(rng.choice(data.labels, 2, replace=False)), int(rng.integers(2)))
        for _ in range(1 if quick else 2)
    ]
    many = list(rng.permutation(data.labels)[: 3 if quick else MOST])
    return pairs, (many, int(rng.integers(len(many))))


def measure(quick: bool) -> kit.Result:
    """Two pairs of label columns of every set, and all columns of every set; ranks."""
    started = time.perf_counter()
    seeds, sets = (2, ("emotions",)) if quick else (5, SETS)
    pairs, mixes = [], []
    for name in sets:
        data = Data(name)
        two, (many, noisy) = drawn(data, quick)
        levels = ("20 %",) if quick else tuple(NOISE)
        pairs += [group(data, *labels, levels, PAIR_MODELS, seeds) for labels in two]
        levels = ("clean",) if quick else ("clean", "100 %")
        mixes.append(group(data, many, noisy, levels, MIX_MODELS, seeds))
    return {
        "command": "taskaff probe LABEL.parquet LABEL.parquet ... --trunk T --r R --weights RULE "
        f"--seeds {seeds} {' '.join(WORDS)}",
        "seed_of_draws": SEED,
        "rules": RULES,
        "versions": {"taskaff": version("taskaff"), "torch": version("torch")},
        "pairs": pairs,
        "mixes": mixes,
        "weights": weights_by_rank(sets if quick else RANKED, quick),
        "ranks": pairs_by_rank(sets if quick else RANKED[:2], quick, seeds),
        "wall_s": round(time.perf_counter() - started),
    }


def weights_by_rank(sets: Sequence[str], quick: bool) -> dict[str, dict[str, list[float]]]:
    """By noise, form and rank: the weight of the noisy label less what it has when it is clean.

    One number a set: the mean over its labels, each noisy in turn, of the labels of its mix.
    """
    found: dict[str, dict[str, list[float]]] = {level: {} for level in NOISE if level != "clean"}
    for name in sets:
        data = Data(name)
        _, (many, _) = drawn(data, quick)
        clean = [data.weights(many, n, 0.0) for n in range(len(many))]
        for level, changes in found.items():
            noisy = [data.weights(many, n, NOISE[level]) for n in range(len(many))]
            for rule in clean[0]:
                change = np.mean(
                    [one[rule] - two[rule] for one, two in zip(noisy, clean, strict=True)]
                )
                changes.setdefault(rule, []).append(round(float(change), 4))
    return found


def pairs_by_rank(sets: Sequence[str], quick: bool, seeds: int) -> list[Cell]:
    """Algorithm 2 at both ranks of two tasks, at capacity 1."""
    model = {"linear r=1": PAIR_MODELS["linear r=1"]}
    return [
        group(data, *labels, ("20 %",), model, seeds, PAIR_RANKS)
        for data in map(Data, sets)
        for labels in drawn(data, quick)[0]
    ]


# ------------------------------------------------------------------ reading


def mean_auc(one: Cell, level: str, model: str, rule: str, key: str = "auc") -> float:
    """Per cent, mean over seeds."""
    found = one["cells"][f"{level} | {model} | {rule}"][key]
    return float(found if key == "alone" else found[0])


def difference(groups: Sequence[Cell], level: str, model: str, rule: str, base: str) -> list[float]:
    """Interval over pairs or sets of the difference of two rules, in % AUC."""
    values = [mean_auc(g, level, model, rule) - mean_auc(g, level, model, base) for g in groups]
    return kit.interval(values)


def levels_of(groups: Sequence[Cell]) -> list[str]:
    """Noise levels and models that were measured."""
    return list(dict.fromkeys(key.rsplit(" | ", 1)[0] for key in groups[0]["cells"]))


def compared(groups: Sequence[Cell]) -> str:
    """Differences of the rules by noise and model."""
    head = ["noise | model".replace(" | ", ", "), "equal, % AUC"]
    head += [
        f"{RULES[rule]} − {RULES[b].lower()}" for rule in OURS for b in ("equal", "uncertainty")
    ]
    head += ["Kendall − equal"]
    rows = []
    for at in levels_of(groups):
        level, model = at.split(" | ")
        base = np.mean([mean_auc(g, level, model, "equal") for g in groups])
        cells = [(rule, b) for rule in OURS for b in ("equal", "uncertainty")]
        found = [difference(groups, level, model, *c) for c in [*cells, ("uncertainty", "equal")]]
        rows.append([f"{level}, {model}", f"{base:.1f}", *(kit.mark(f, 2) for f in found)])
    return kit.table(head, rows)


def rank_table(found: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """How the weight of the noisy label changes with its noise, by the rank of Algorithm 2."""
    rows = []
    for level, changes in found.items():
        for form in OURS:
            marks = [kit.mark(kit.interval(changes[f"{form} {rank}"]), 2) for rank in RANKS]
            rows.append([level, RULES[form].split(", ")[1], *marks])
    head = ["noise", "form", *RANKS]
    return kit.table(head, rows)


def rank_auc(groups: Sequence[Cell]) -> str:
    """AUC of pairs at the ranks of the printed form."""
    equal = np.mean([mean_auc(g, "20 %", "linear r=1", "equal") for g in groups])
    ends = [("svd-printed 1", "equal"), ("svd-printed 2", "equal")]
    ends += [("svd-printed 2", "svd-printed 1")]
    marks = [kit.mark(difference(groups, "20 %", "linear r=1", *each), 2) for each in ends]
    head = ["pairs", "equal, % AUC", "rank 1 − equal", "rank 2 − equal", "rank 2 − rank 1"]
    return kit.table(head, [[len(groups), f"{equal:.1f}", *marks]])


def weight_changes(result: kit.Result) -> str:
    """How the weight of the noisy task changes with the noise in its labels; of two, mean 1."""
    rows = []
    levels = dict.fromkeys(at.split(" | ")[0] for at in levels_of(result["pairs"]))
    for level in [level for level in levels if level != "clean" and "clean" in levels]:
        for rule in [rule for rule in RULES if rule != "equal"]:
            change = {
                (g["set"], *g["labels"]): weight(g, level, rule) - weight(g, "clean", rule)
                for g in result["pairs"]
            }
            ready = [x for (name, *_), x in change.items() if name != "goemotions"]
            text = [f"{x:+.2f}" for (name, *_), x in change.items() if name == "goemotions"]
            cells = [kit.mark(kit.interval(values), 2) for values in (list(change.values()), ready)]
            rows.append([level, RULES[rule], *cells, ", ".join(text).replace("-", "−")])
    head = ["noise", "rule", "all pairs", "standardised inputs", "goemotions, each pair"]
    return kit.table(head, rows)


def weight(one: Cell, level: str, rule: str) -> float:
    """Of the noisy task, capacity 1."""
    return float(one["cells"][f"{level} | linear r=1 | {rule}"]["weights"][one["noisy"]])


def tables(result: kit.Result) -> dict[str, str]:
    """Differences over pairs and over sets, and what was drawn with the weights it got."""
    model = "linear r=1"
    drawn = []
    for one in result["pairs"]:
        cells = {rule: one["cells"][f"20 % | {model} | {rule}"] for rule in RULES}
        weights = [list(cells[rule]["weights"].values()) for rule in ("svd-printed", "uncertainty")]
        labels = ["**" + name + "**" if name == one["noisy"] else name for name in one["labels"]]
        alone = cells["equal"]["alone"]
        values = [f"{mean_auc(one, '20 %', model, rule):.1f}" for rule in RULES]
        shown = [", ".join(f"{w:.2f}" for w in found) for found in weights]
        drawn.append([one["set"], ", ".join(labels), f"{alone:.1f}", *values, *shown])
    head = ["set", "labels (**noisy**)", "alone", *RULES.values(), "weights, printed", "Kendall"]
    return {
        "pairs": compared(result["pairs"]),
        "mixes": compared(result["mixes"]),
        "drawn": kit.table(head, drawn),
        "weights": weight_changes(result),
        "ranks": rank_table(result["weights"]),
        "rank_auc": rank_auc(result["ranks"]),
    }


def plot(result: kit.Result) -> Figure:
    """As W's Figure 12: one group of bars a pair, at 20 % noise and capacity 1."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 3.6))
    groups = result["pairs"]
    width = 0.8 / len(RULES)
    for k, (rule, name) in enumerate(RULES.items()):
        found = [g["cells"][f"20 % | linear r=1 | {rule}"]["auc"] for g in groups]
        at = np.arange(len(groups)) + (k - (len(RULES) - 1) / 2) * width
        spread = [(high - low) / 2 for _, low, high in found]
        axes.bar(at, [f[0] for f in found], width, yerr=spread, capsize=1.5, label=name)
    shown = ["\n".join([g["set"], *g["labels"]]) for g in groups]
    axes.set_xticks(range(len(groups)), shown, fontsize=5.8)
    axes.set_ylim(bottom=45)
    axes.axhline(50, color="grey", lw=0.6, ls=":")
    axes.set_ylabel("mean AUC of both tasks, %")
    axes.set_title("20 % noise in one task's training labels, linear, capacity 1", fontsize=9)
    axes.legend(fontsize=7, ncols=4, loc="upper center")
    axes.set_ylim(top=axes.get_ylim()[1] + 6)
    return figure


def claims(result: kit.Result) -> list[kit.Claim]:
    """The four numbers of the paper, each over the models that were tried; ranks."""
    wanted = [
        ("Figure 12", result["pairs"], "20 %", "equal", "unweighted", 1.0),
        ("Figure 12", result["pairs"], "20 %", "uncertainty", "Kendall", 0.4),
        ("section 3.2, all labels", result["mixes"], "clean", "equal", "unweighted", 0.4),
        ("section 3.2, all labels", result["mixes"], "clean", "uncertainty", "Kendall", 0.1),
    ]
    return [*(_claim(*one) for one in wanted), _over_ranks(result["weights"])]


def _over_ranks(found: Mapping[str, Mapping[str, Sequence[float]]]) -> kit.Claim:
    """Whether a noisy label loses weight, at the ranks of both forms."""
    seen = {rule: kit.interval(values) for rule, values in found["20 %"].items()}
    falls = {form: [seen[f"{form} {rank}"][2] < 0 for rank in RANKS] for form in OURS}
    least = min(seen, key=lambda rule: seen[rule][0])
    form, rank = least.split(" ", 1)
    counts = (
        f"{sum(falls[f])} of {len(RANKS)} of the {RULES[f].split(', ')[1]} form" for f in OURS
    )
    printed = falls["svd-printed"]
    return kit.Claim(
        "Algorithm 2, over its rank",
        "a task with noisy labels gets less weight (section 2.4); the rank is not stated",
        f"20 % noise, all labels: its weight (mean 1) falls at ranks {', '.join(counts)}, most by "
        f"{kit.mark(seen[least], 2)} ({RULES[form]}, {rank})",
        "agrees" if all(printed) else "in part" if any(printed) else "differs",
        "of two labels it hardly does",
    )


def _claim(
    what: str, groups: Sequence[Cell], level: str, base: str, name: str, paper: float
) -> kit.Claim:
    models = [at.split(" | ")[1] for at in levels_of(groups) if at.startswith(level)]
    found = {
        (rule, model): difference(groups, level, model, rule, base)
        for rule in OURS
        for model in models
    }
    better = [key for key, (_, low, _) in found.items() if low > 0]
    worse = [key for key, (_, _, high) in found.items() if high < 0]
    printed = [found["svd-printed", model] for model in models]
    if all(low > 0 for _, low, _ in printed):
        verdict: kit.Verdict = "agrees"
    elif all(low <= 0 <= high and low <= paper <= high for _, low, high in printed):
        verdict = "undecided"
    else:
        verdict = "in part" if better and not worse else "differs"
    words = [f"{model} {kit.mark(f, 2)}" for model, f in zip(models, printed, strict=True)]
    why = f"of {len(found)} comparisons (two forms, {len(models)} models) {len(better)} better, "
    why += f"{len(worse)} worse; +{paper} lies in {sum(f[1] <= paper <= f[2] for f in printed)} of "
    why += f"{len(printed)} intervals of the printed form"
    noise = "noise in one of two tasks" if level != "clean" else "clean"
    return kit.Claim(
        f"{what}: Algorithm 2 − {name}",
        f"+{paper} % AUC ({noise})",
        "printed form: " + "; ".join(words),
        verdict,
        why,
    )


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
