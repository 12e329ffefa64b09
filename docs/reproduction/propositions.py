"""W Propositions 1, 3, 4, 5 and 6 and Theorem 2, where they state something that can be checked.

    python docs/reproduction/propositions.py

The optimum of equation 3 is found by BFGS from several random starts, never by a formula of the
paper; the formulas are then compared with it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import _kit as kit
import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from taskaff.core.records.arrays import Floats

D, K, ROWS, STARTS = 8, 4, 40, 4
"""Dimensions, tasks and rows of the draws for the propositions; starts of the optimiser."""
TIGHT = 1e-4
"""A deviation below it counts as none."""
SIZES = (30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
SINES = (0.02, 0.05, 0.1, 0.15)
D2, ROWS2, SPREAD, SIGMA2, SIGMA1, DELTA = 5, 40, 1.5, 0.5, 0.3, 0.1
"""Theorem 2: dimensions, target rows, ratio of the axes' deviations of the source, noise of both
tasks relative to the signal, and the probability of failure."""
PROBE = "synthetic:linear?task={}&rows=3200&seed={}&kappa=1&noise={}&d=50"
WORDS = ["--recipe", "concat", "--epochs", "200", "--target-rows", "75", "--source-rows", "600"]
WORDS += ["--config", "probe.weight_decay=[0.0]", "--no-predict"]
CAPACITIES = {0.0: (1, 2), 0.5: (1, 2, 4, 16)}
"""Of the probe, by noise: ``k`` is 2, the target has 75 rows in 50 dimensions."""


Rows = tuple["Floats", "Floats"]
Source = Callable[[int], tuple[Rows, Rows, "Floats"]]


class Problem(NamedTuple):
    """``k`` regressions by their sums: Gram matrices, ``X'y``, ``y'y`` and weights."""

    G: Floats
    S: Floats
    yy: Floats
    alpha: Floats

    @classmethod
    def of(cls, X: Sequence[Floats], y: Sequence[Floats], alpha: Floats | None = None) -> Problem:
        """From rows; all weights 1 by default."""
        G = np.array([x.T @ x for x in X])
        S = np.array([x.T @ v for x, v in zip(X, y, strict=True)])
        yy = np.array([v @ v for v in y])
        return cls(G, S, yy, np.ones(len(X)) if alpha is None else alpha)

    @property
    def theta(self) -> Floats:
        """``(k, d)``: the optimum of every task alone."""
        return np.stack([np.linalg.solve(g, s) for g, s in zip(self.G, self.S, strict=True)])

    @property
    def alone(self) -> float:
        """Weighted residual of the single-task optima."""
        explained = np.einsum("kd,kd->k", self.theta, self.S)
        return float(self.alpha @ (self.yy - explained))

    def explained(self, B: Floats) -> float:
        """Equation 7 with weights."""
        inner = np.einsum("dr,kde,es->krs", B, self.G, B)
        right = np.einsum("dr,kd->kr", B, self.S)
        solved = np.stack([np.linalg.pinv(m) @ v for m, v in zip(inner, right, strict=True)])
        return float(self.alpha @ np.einsum("kr,kr->k", solved, right))

    def optima(self, r: int, rng: np.random.Generator, starts: int) -> list[Optimum]:
        """Minima of equation 2 over ``B`` and all ``A_i``, least loss first."""
        d, k = self.S.shape[1], len(self.S)

        def value(flat: Floats) -> tuple[float, Floats]:
            B, A = flat[: d * r].reshape(d, r), flat[d * r :].reshape(r, k)
            W = B @ A
            GW = (self.G @ W.T[:, :, None])[:, :, 0].T
            squares = self.yy - 2 * (self.S.T * W).sum(0) + (W * GW).sum(0)
            slope = 2 * self.alpha * (GW - self.S.T) / energy
            back = np.concatenate([(slope @ A.T).ravel(), (B.T @ slope).ravel()])
            return float(self.alpha @ squares) / energy, back

        found, energy = [], float(self.alpha @ self.yy)
        for _ in range(starts):
            options = {"maxiter": 5000, "gtol": 1e-10}
            start = rng.standard_normal(d * r + r * k)
            end = minimize(value, start, jac=True, method="BFGS", options=options)
            B, A = end.x[: d * r].reshape(d, r), end.x[d * r :].reshape(r, k)
            flat = bool(np.abs(end.jac).max() < 1e-8)
            found.append(Optimum(float(end.fun) * energy, B, A, flat))
        return sorted(found, key=lambda one: one.loss)


class Optimum(NamedTuple):
    """What one start of the optimiser ended in."""

    loss: float
    B: Floats
    A: Floats
    flat: bool
    """Whether the gradient vanishes there: a start may also end for want of progress."""


def angle(one: Floats, other: Floats) -> float:
    """Sine of the largest principal angle between two column spans."""
    P, Q = np.linalg.qr(one)[0], np.linalg.qr(other)[0]
    return float(np.linalg.norm(Q - P @ (P.T @ Q), 2))


def leading(M: Floats, r: int) -> Floats:
    """Leading ``r`` eigenvectors."""
    return np.linalg.eigh(M)[1][:, ::-1][:, :r]


def covariates(rng: np.random.Generator, rows: int = ROWS, d: int = D) -> Floats:
    """Gaussian rows whose axes differ by a factor of 3, rotated."""
    turned = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return rng.standard_normal((rows, d)) @ (np.geomspace(1, 3, d)[:, None] * turned)


def labels(rng: np.random.Generator, X: Sequence[Floats]) -> list[Floats]:
    """Noisy linear labels, of another size in each task."""
    y = [x @ rng.standard_normal(x.shape[1]) + rng.standard_normal(len(x)) for x in X]
    return [10 ** rng.uniform(-0.5, 0.5) * v for v in y]


# -------------------------------------------------------------- propositions


def proposition_1(rng: np.random.Generator) -> dict[str, float]:
    """``r >= k``: an optimum with ``B A_i = theta_i``; below ``k`` the loss is larger."""
    X = [covariates(rng) for _ in range(K)]
    problem = Problem.of(X, labels(rng, X))
    best = problem.optima(K, rng, STARTS)
    wide = problem.optima(K + 2, rng, 1)[0]
    theta = problem.theta.T
    distance = max(np.linalg.norm(o.B @ o.A - theta) for o in (best[0], wide))
    narrow = problem.optima(K - 1, rng, STARTS)[0]
    return {
        "B A_i against theta_i": float(distance / np.linalg.norm(theta)),
        "loss against that of the tasks alone": abs(best[0].loss / problem.alone - 1),
        "r = k - 1: loss above that of the tasks alone": narrow.loss / problem.alone - 1,
    }


def proposition_4(rng: np.random.Generator) -> dict[str, float]:
    """Equation 7 is what the optimum leaves of the labels' energy."""
    X = [covariates(rng) for _ in range(K)]
    problem = Problem.of(X, labels(rng, X))
    best = problem.optima(2, rng, STARTS)[0]
    left = float(problem.yy.sum()) - problem.explained(best.B)
    return {
        "energy of the labels less equation 7 against the least loss": abs(left / best.loss - 1)
    }


def proposition_3(rng: np.random.Generator) -> dict[str, float]:
    """Shared covariates: the span of ``B*``, and no local minima that are not global."""
    x, r = covariates(rng), 2
    alpha = 10 ** rng.uniform(-0.5, 0.5, K)
    problem = Problem.of([x] * K, y := labels(rng, [x] * K), alpha)
    U, size, Vt = np.linalg.svd(x, full_matrices=False)
    Q = leading(sum(a * np.outer(U.T @ v, U.T @ v) for a, v in zip(alpha, y, strict=True)), r)
    printed = np.linalg.inv(x.T @ x) @ Vt.T @ np.diag(size) @ Q
    found = problem.optima(r, rng, 2 * STARTS)
    spread = max(one.loss for one in found if one.flat) / found[0].loss - 1
    return {
        "angle of the span of B* to the printed one": angle(found[0].B, printed),
        "losses of all local minima that were met (Lemma 10)": spread,
    }


def example(rng: np.random.Generator) -> dict[str, float]:
    """Section 2.4: the more weight the clean task has, the closer ``B*`` is to ``theta``."""
    x = covariates(rng)
    theta = rng.standard_normal(D)
    clean = x @ theta
    noisy = clean + 2 * clean.std() * rng.standard_normal(ROWS)
    cosines = []
    for weight in (1, 3, 10, 30, 100, 300, 1000):
        problem = Problem.of([x, x], [clean, noisy], np.array([weight, 1.0]))
        B = problem.optima(1, rng, 3)[0].B[:, 0]
        cosines.append(abs(B @ theta) / np.linalg.norm(B) / np.linalg.norm(theta))
    steps = np.diff(cosines)
    return {
        "cos(B*, theta) falls somewhere": float(steps.min() < -TIGHT),
        "1 - cos(B*, theta) at weight 1": 1 - cosines[0],
        "1 - cos(B*, theta) at weight 1000": 1 - cosines[-1],
    }


def proposition_5(rng: np.random.Generator) -> dict[str, float]:
    """Equal covariances, other rows: ``B*`` in closed form; what a capacity of ``r`` costs."""
    root, r = covariates(rng), 2
    X = [np.linalg.qr(rng.standard_normal((ROWS, D)))[0] @ root[:D] for _ in range(K)]
    X = [x / np.sqrt((x**2).mean()) for x in X]  # one factor: the traces are equal
    alpha = 10 ** rng.uniform(-0.5, 0.5, K)
    y = [v / v.std() for v in labels(rng, X)]
    problem = Problem.of(X, y, alpha)
    values, V = np.linalg.eigh(X[0].T @ X[0])
    sizes = np.sqrt(values)
    M = sum(
        a * np.outer(v @ x @ V / sizes, v @ x @ V / sizes)
        for a, x, v in zip(alpha, X, y, strict=True)
    )
    best = problem.optima(r, rng, STARTS)[0]
    cost, exact = best.loss - problem.alone, float(np.linalg.eigvalsh(M)[::-1][r:].sum())
    weighted = sum(a * np.outer(x.T @ v, x.T @ v) for a, x, v in zip(alpha, X, y, strict=True))
    bounds = [
        float((np.linalg.svd((V / scale).T @ weighted, compute_uv=False)[r:K] ** 2).sum())
        for scale in (values, sizes)
    ]
    return {
        "angle to V D^-1/2 C*, D of Sigma": angle(best.B, V / sizes @ leading(M, r)),
        "angle, D of the X_i": angle(best.B, V / np.sqrt(sizes) @ leading(M, r)),
        "cost against the sum of the eigenvalues beyond r": abs(cost / exact - 1),
        "cost over the printed bound, D of Sigma": cost / bounds[0],
        "cost over the printed bound, D of the X_i": cost / bounds[1],
        "the same, labels divided by 100: above 1": float(1e4 * cost / max(bounds) > 1),
    }


def proposition_6(rng: np.random.Generator) -> dict[str, float]:
    """Other covariances: the procedure that takes one direction after another off all tasks."""
    X = [covariates(rng) for _ in range(K)]
    y, r = labels(rng, X), 2
    whole = Problem.of(X, y)
    left, energies = list(X), []
    for _ in range(D):
        at = Problem.of(left, y)
        w = at.optima(1, rng, 2)[0].B[:, 0]
        units = [x @ w / np.linalg.norm(x @ w) for x in left]
        energies.append(sum(float(u @ v) ** 2 for u, v in zip(units, y, strict=True)))
        left = [x - np.outer(u, u @ x) for x, u in zip(left, units, strict=True)]
    explained, tail = float(whole.yy.sum()) - whole.alone, sum(energies[r:])
    best = whole.optima(r, rng, STARTS)[0]
    reached = float(whole.yy.sum()) - best.loss
    return {
        "sum of all lambda_i against the energy that the tasks alone explain": abs(
            sum(energies) / explained - 1
        ),
        "loss above the residual of the tasks alone + tail": float(
            best.loss > (whole.alone + tail) * (1 + TIGHT)
        ),
        "share of the tail that is lost": (best.loss - whole.alone) / tail,
        "printed, h the loss: above OPT - tail": float(best.loss > whole.alone - tail),
        "printed, h the explained energy: above": float(reached > (explained - tail) * (1 + TIGHT)),
    }


CHECKS: dict[str, Callable[[np.random.Generator], dict[str, float]]] = {
    "Proposition 1": proposition_1,
    "Proposition 3": proposition_3,
    "section 2.4, example": example,
    "Proposition 4": proposition_4,
    "Proposition 5": proposition_5,
    "Proposition 6": proposition_6,
}


def checked(draws: int) -> dict[str, dict[str, list[float]]]:
    """Mean and largest value of every number of every check over the draws."""
    found = {}
    for number, (name, check) in enumerate(CHECKS.items()):
        seen = [check(np.random.default_rng([number, draw])) for draw in range(draws)]
        found[name] = {
            key: [float(np.mean([s[key] for s in seen])), float(np.max([s[key] for s in seen]))]
            for key in seen[0]
        }
    return found


# ----------------------------------------------------------------- theorem 2


def tasks_of(rng: np.random.Generator, sine: float) -> tuple[Source, dict[str, float]]:
    """A target, and a source of any size with bounded rows (uniform, as the theorem asks)."""
    axes = np.geomspace(1, SPREAD, D2)
    one = rng.standard_normal(D2)
    across = rng.standard_normal(D2)
    across -= one * (one @ across) / (one @ one)
    one /= np.sqrt(one @ (axes**2 * one))  # theta_1' Sigma_1 theta_1 = 1
    across *= np.linalg.norm(one) / np.linalg.norm(across)
    two = np.sqrt(1 - sine**2) * one + sine * across
    X2 = rng.standard_normal((ROWS2, D2)) * axes ** rng.uniform(-1, 2)
    e2 = SIGMA2 * (X2 @ two).std() * rng.standard_normal(ROWS2)
    y2 = X2 @ two + e2
    condition = float(np.linalg.cond(X2))
    c, kappa, least = condition * sine, SPREAD**2, 1.0
    asked = max(
        3 * float((axes**2).sum()) * SPREAD**2 * np.log(D2) / least**2,
        kappa * condition**2 * float(y2 @ y2) / c**2,
        kappa**2 * condition**4 * SIGMA1**2 * np.log(1 / DELTA) / c**4,
    )
    noise = float(np.linalg.norm(e2) / np.linalg.norm(X2 @ two))
    known = {
        "condition": condition,
        "c": c,
        "asked": float(asked),
        "bound": 6 * c + noise / (1 - 3 * c) if c < 1 / 3 else float("nan"),
        "alone": float(np.linalg.norm(np.linalg.lstsq(X2, y2)[0] - two) / np.linalg.norm(two)),
    }

    def source(rows: int) -> tuple[Rows, Rows, Floats]:
        X1 = rng.uniform(-np.sqrt(3), np.sqrt(3), (rows, D2)) * axes
        return (X1, X1 @ one + SIGMA1 * rng.standard_normal(rows)), (X2, y2), two

    return source, known


def theorem_2(draw: int, sine: float, sizes: Sequence[int], ask: bool) -> kit.Result:
    """Error of the target's model at capacity 1 against source rows; what the product says."""
    rng = np.random.default_rng([2, draw, round(1000 * sine)])
    source, known = tasks_of(rng, sine)
    errors, met, said = [], [], []
    for rows in sizes:
        (X1, y1), (X2, y2), two = source(rows)
        best = Problem.of([X1, X2], [y1, y2]).optima(1, rng, 3)[0]
        error = np.linalg.norm(best.B[:, 0] * best.A[0, 1] - two) / np.linalg.norm(two)
        errors.append(float(error))
        met.append(bool(known["c"] <= 1 / 3 and rows >= known["asked"]))
        said.append(precondition(X1, y1, X2, y2) if ask else "")
    kept = {name: value for name, value in known.items() if name != "asked"}
    return {"sine": sine, **kept, "error": errors, "met": met, "score": said}


def precondition(X1: Floats, y1: Floats, X2: Floats, y2: Floats) -> str:
    """First word of what ``taskaff score`` says of Theorem 2."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.npz" for name in ("source", "target")]
        for file, X, y in zip(files, (X1, X2), (y1, y2), strict=True):
            np.savez(file, X=X.astype(np.float32), y=y)
        found = kit.taskaff("score", *files, "--scores", "theorem2", "--no-predict")
    pair = next(p for p in found["pairs"] if p["source"] == "source")
    return str(pair["scores"]["theorem2"]["note"]).split(":")[0]


def transfer(draw: int, noise: float, r: int) -> float:
    """Gain of the target from a source of the same covariance, as the probe measures it."""
    tasks = [PROBE.format(number, draw, noise) for number in (1, 2)]
    found = kit.taskaff("probe", *tasks, "--r", r, "--seeds", 2, *WORDS)
    pair = next(p for p in found["pairs"] if p["target"] == "linear-1")
    return float(pair["gain"]["value"])


def measure(quick: bool) -> kit.Result:
    """All checks."""
    started = time.perf_counter()
    draws, widths = (2, {0.0: (1, 2)}) if quick else (60, CAPACITIES)
    sizes = SIZES[1:6:2] if quick else SIZES
    rows = [
        theorem_2(draw, sine, sizes, ask=draw < (1 if quick else 3))
        for sine in (SINES[1:2] if quick else SINES)
        for draw in range(3 if quick else 60)
    ]
    many = range(800, 802 if quick else 804)
    gains = {
        f"{noise} | {r}": [round(transfer(n, noise, r), 5) for n in many]
        for noise, several in widths.items()
        for r in several
    }
    return {
        "commands": [
            f"taskaff probe '{PROBE.format(1, 800, 0.5)}' '{PROBE.format(2, 800, 0.5)}' "
            f"--r 1 --seeds 2 {' '.join(WORDS)}",
            "taskaff score source.npz target.npz --scores theorem2 --no-predict",
        ],
        "versions": {name: version(name) for name in ("taskaff", "torch", "scipy", "numpy")},
        "draws": draws,
        "checks": checked(draws),
        "sizes": list(sizes),
        "theorem_2": rows,
        "gains": gains,
        "wall_s": round(time.perf_counter() - started),
    }


# ------------------------------------------------------------------ reading


def theorem_numbers(result: kit.Result) -> kit.Result:
    """What the draws say of the bound, the plateau and what it depends on."""
    rows = result["theorem_2"]
    pairs = [(row, n) for row in rows for n in range(len(result["sizes"]))]
    met = [(row, n) for row, n in pairs if row["met"][n]]
    small = [(row, n) for row, n in pairs if row["c"] <= 1 / 3]
    asked = [(row["met"][n], row["score"][n]) for row, n in pairs if row["score"][n]]
    E = np.array([row["error"] for row in rows])
    target = np.array([row["alone"] for row in rows])
    design = np.column_stack(
        [np.ones(len(rows)), *(np.log([row[key] for row in rows]) for key in ("sine", "condition"))]
    )
    solved, _, _, _ = np.linalg.lstsq(design, np.log(E[:, -1]))
    left = np.log(E[:, -1]) - design @ solved
    spread = left @ left / max(len(rows) - 3, 1) * np.linalg.pinv(design.T @ design)
    ends = 1.645 * np.sqrt(np.diag(spread))
    return {
        "met": len(met),
        "above": sum(row["error"][n] > row["bound"] for row, n in met),
        "small": len(small),
        "above_small": sum(row["error"][n] > row["bound"] for row, n in small),
        "looseness": float(np.median([row["bound"] / row["error"][n] for row, n in small])),
        "useful": sum(row["bound"] < row["alone"] for row in rows if row["c"] <= 1 / 3),
        "small_draws": sum(row["c"] <= 1 / 3 for row in rows),
        "helps": float(np.mean(E[:, -1] < target)),
        "early": kit.interval(np.log(E[:, 0] / E[:, -1])),
        "late": kit.interval(np.log(E[:, -3] / E[:, -1])),
        "slopes": [
            [round(float(x), 3) for x in (b, b - e, b + e)]
            for b, e in zip(solved[1:], ends[1:], strict=True)
        ],
        "said": len(asked),
        "said_met": sum(word == "met" for _, word in asked),
        "said_as_true": sum(true == (word == "met") for true, word in asked),
        "said_met_untrue": sum(word == "met" and not true for true, word in asked),
    }


def tables(result: kit.Result) -> dict[str, str]:
    """Every check, the theorem's draws, and the probe's gains against capacity."""
    rows = [
        [name, key, f"{mean:.2g}", f"{most:.2g}"]
        for name, check in result["checks"].items()
        for key, (mean, most) in check.items()
    ]
    head = ["statement", "number", f"mean of {result['draws']} draws", "largest"]
    sines = sorted({row["sine"] for row in result["theorem_2"]})
    plateau = []
    for sine in sines:
        seen = [row for row in result["theorem_2"] if row["sine"] == sine]
        E = np.median([row["error"] for row in seen], axis=0)
        fit = [row for row in seen if row["c"] <= 1 / 3]
        bound = np.median([row["bound"] for row in fit])
        alone = np.median([row["alone"] for row in seen])
        plateau.append([sine, *(f"{e:.3f}" for e in E), f"{alone:.3f}", f"{bound:.2f}"])
    sizes = [f"m₁ = {size:,}" for size in result["sizes"]]
    gains = [
        [*key.split(" | "), kit.mark(kit.interval(found), 5)]
        for key, found in result["gains"].items()
    ]
    t = theorem_numbers(result)
    said = [
        [f"asked of `taskaff score` {t['said']} times: says met", t["said_met"]],
        ["agrees with the condition at the pair's own c and true parameters", t["said_as_true"]],
        ["says met where that condition is not", t["said_met_untrue"]],
        ["share of draws whose error at the most rows is below that alone", t["helps"]],
    ]
    return {
        "score": kit.table(["", ""], [[name, f"{value:.3g}"] for name, value in said]),
        "checks": kit.table(head, rows),
        "theorem": kit.table(["sin(θ₁, θ₂)", *sizes, "target alone", "bound"], plateau),
        "gains": kit.table(["noise", "r", "gain, label variances"], gains),
    }


def plot(result: kit.Result) -> Figure:
    """Theorem 2's error against source rows; the probe's gain against capacity."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.5))
    for sine in sorted({row["sine"] for row in result["theorem_2"]}):
        seen = [row for row in result["theorem_2"] if row["sine"] == sine]
        low, middle, high = np.percentile([row["error"] for row in seen], (25, 50, 75), axis=0)
        (line,) = left.plot(result["sizes"], middle, marker="o", ms=3, label=f"sin = {sine}")
        left.fill_between(result["sizes"], low, high, color=line.get_color(), alpha=0.15)
        bound = np.median([row["bound"] for row in seen if row["c"] <= 1 / 3])
        left.axhline(bound, color=line.get_color(), ls=":", lw=1)
    alone = np.median([row["alone"] for row in result["theorem_2"]])
    left.axhline(alone, color="black", ls="--", lw=1, label="target alone, median")
    left.set(xscale="log", yscale="log", xlabel="source rows m₁")
    left.set_ylabel("relative error of the target's model")
    left.set_title("Theorem 2: medians, quartiles; dotted: bounds", fontsize=9)
    left.legend(fontsize=7, ncols=2, loc=(0.02, 0.46))
    for noise in dict.fromkeys(key.split(" | ")[0] for key in result["gains"]):
        points = [
            (int(key.split(" | ")[1]), *kit.interval(found))
            for key, found in result["gains"].items()
            if key.startswith(f"{noise} |")
        ]
        r, mean, low, high = np.array(points).T
        right.errorbar(
            r, mean, [mean - low, high - mean], marker="o", ms=4, capsize=3, label=f"noise {noise}"
        )
    right.axhline(0, color="black", lw=0.8)
    right.axvline(2, color="grey", lw=0.8, ls=":")
    right.set(xscale="log", xlabel="capacity r (dotted: k = 2)")
    right.set_xticks(CAPACITIES[0.5], [str(r) for r in CAPACITIES[0.5]])
    right.set_ylabel("gain of the target, label variances")
    right.set_title("Proposition 1 as the probe sees it", fontsize=9)
    right.legend(fontsize=7)
    figure.tight_layout()
    return figure


def claims(result: kit.Result) -> list[kit.Claim]:
    """Each statement beside the largest deviation from it."""
    seen = {key: most for check in result["checks"].values() for key, (_, most) in check.items()}
    means = {key: mean for check in result["checks"].values() for key, (mean, _) in check.items()}
    draws = result["draws"]

    def exact(*keys: str) -> kit.Verdict:
        return "agrees" if max(abs(seen[key]) for key in keys) < TIGHT else "differs"

    return [
        _proposition_1(result, seen, exact),
        kit.Claim(
            "Proposition 3, Lemma 10",
            "shared inputs: the span of B* is that of (X'X)⁻¹ V D Q_r; no local minima",
            f"largest angle {seen['angle of the span of B* to the printed one']:.1e}, "
            f"largest spread of minima "
            f"{seen['losses of all local minima that were met (Lemma 10)']:.1e}, {draws} draws",
            exact(
                "angle of the span of B* to the printed one",
                "losses of all local minima that were met (Lemma 10)",
            ),
        ),
        kit.Claim(
            "section 2.4, example",
            "cos(B*, θ) increases to 1 with the weight of the clean task",
            f"1 − cos {means['1 - cos(B*, theta) at weight 1']:.2g} at weight 1, at most "
            f"{seen['1 - cos(B*, theta) at weight 1000']:.1e} at 1,000; it falls on the way in "
            f"{100 * means['cos(B*, theta) falls somewhere']:.0f} % of the draws",
            "agrees"
            if seen["cos(B*, theta) falls somewhere"] == 0
            else "in part"
            if seen["1 - cos(B*, theta) at weight 1000"] < 1e-3
            else "differs",
        ),
        kit.Claim(
            "Proposition 4, equation 7",
            "the optimum maximises equation 7",
            "largest relative deviation "
            f"{seen['energy of the labels less equation 7 against the least loss']:.1e}",
            exact("energy of the labels less equation 7 against the least loss"),
        ),
        kit.Claim(
            "Proposition 5, B*",
            "equal covariances: B* = V D^(−1/2) C*",
            f"largest angle {seen['angle to V D^-1/2 C*, D of Sigma']:.1e} with D of Σ; "
            f"mean {means['angle, D of the X_i']:.2f} with D of the X_i",
            exact("angle to V D^-1/2 C*, D of Sigma"),
            "the statement uses D for both; only that of Σ is right",
        ),
        kit.Claim(
            "Proposition 5, corollary",
            "a capacity of r costs at most Σ_{i>r} λ_i²",
            "the cost is Σ_{i>r} of the eigenvalues (not squared) of Σ α U'yy'U within "
            f"{seen['cost against the sum of the eigenvalues beyond r']:.1e}; with labels of "
            "deviation 0.01 the printed bound fails in "
            f"{100 * means['the same, labels divided by 100: above 1']:.0f} % of the draws",
            "differs" if seen["the same, labels divided by 100: above 1"] else "agrees",
            "cost goes with the square of the labels' units, the bound with the fourth power",
        ),
        kit.Claim(
            "Proposition 6",
            "h(B*) ≤ OPT − Σ_{i>r} λ_i",
            "as printed false in "
            f"{100 * means['printed, h the loss: above OPT - tail']:.0f} % (h the loss) and "
            f"{100 * means['printed, h the explained energy: above']:.0f} % (h the explained "
            "energy); loss ≤ OPT + tail false in "
            f"{100 * means['loss above the residual of the tasks alone + tail']:.0f} %",
            "in part"
            if seen["loss above the residual of the tasks alone + tail"] == 0
            else "differs",
            "a sign: the loss is at most OPT plus the tail",
        ),
        *_theorem_2(theorem_numbers(result)),
    ]


def _proposition_1(
    result: kit.Result, seen: Mapping[str, float], exact: Callable[..., kit.Verdict]
) -> kit.Claim:
    gains = {key: kit.interval(found) for key, found in result["gains"].items()}
    clean = {key: g for key, g in gains.items() if key.startswith("0.0")}
    wide = [g for key, g in clean.items() if not key.endswith("| 1")]
    noisy = [g for key, g in gains.items() if key.startswith("0.5") and not key.endswith("| 1")]
    most = max(abs(end) for g in wide for end in g[1:])
    return kit.Claim(
        "Proposition 1",
        "r ≥ k: an optimum has B A_i = θ_i, so that nothing is transferred",
        f"optimum: deviation at most {seen['B A_i against theta_i']:.1e} in {result['draws']} "
        "draws; "
        f"probe without noise: gain at r = 1 {kit.mark(clean['0.0 | 1'], 3)}, at r = 2 within "
        f"{most:.0e} of 0",
        "agrees"
        if exact("B A_i against theta_i", "loss against that of the tasks alone") == "agrees"
        and most < 1e-3
        else "differs",
        "of the optimum"
        + (
            "; with noise the probe, which stops early, still transfers at r = 2 "
            f"({kit.mark(noisy[0], 3)})"
            if noisy and noisy[0][1] > 0
            else ""
        ),
    )


def _theorem_2(t: Mapping[str, Any]) -> list[kit.Claim]:
    return [
        kit.Claim(
            "Theorem 2, bound",
            "error ≤ 6c + ‖ε₂‖ / ((1 − 3c) ‖X₂θ₂‖) given enough source rows",
            f"above it {t['above']} of {t['met']} times where the precondition is met; bound over "
            f"error: median {t['looseness']:.0f}; below the error of the target alone in "
            f"{t['useful']} of {t['small_draws']} draws",
            "agrees" if t["met"] and not t["above"] else "differs",
            "true, and too loose to say that a source helps" if t["useful"] == 0 else "",
        ),
        kit.Claim(
            "Theorem 2, trend",
            "the error reaches a plateau as m₁ grows, which rises with sin(θ₁, θ₂) and κ(X₂)",
            f"log error at the fewest rows over that at the most {kit.mark(t['early'], 2)}, at a "
            f"tenth of the most {kit.mark(t['late'], 3)}; exponents of the plateau: sin "
            f"{kit.mark(t['slopes'][0], 2)}, κ {kit.mark(t['slopes'][1], 2)}",
            "agrees"
            if t["early"][1] > 0 and t["slopes"][0][1] > 0 and t["slopes"][1][1] > 0
            else "in part"
            if t["slopes"][0][1] > 0
            else "differs",
        ),
    ]


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
