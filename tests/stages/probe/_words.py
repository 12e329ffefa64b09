"""Small tasks over words, and a run of a word trunk written with ``torch.nn``, row by row."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import TaskVectors, TokenLayer, TokenRows
from taskaff.stages.probe.evaluate_single import SlotLabels
from taskaff.stages.probe.model import initial_state
from taskaff.stages.probe.schedule import Schedule
from taskaff.stages.probe.words.trunks import WIDTHS, filter_counts, word_trunk

WORDS, D = 30, 4
LAYER = TokenLayer(
    "words",
    "toy",
    "toy",
    D,
    np.random.default_rng(0).standard_normal((WORDS + 2, D)).astype(np.float32),
)


def word_task(name, n=60, c=2, kind="classes", seed=0, longest=9):
    """Labels depend on which words a row has."""
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, WORDS, rng.integers(1, longest + 1)) for _ in range(n)]
    X = np.array([LAYER.vectors[text].mean(0) for text in texts], dtype=np.float32)
    score = X @ rng.standard_normal((D, c)) + 0.1 * rng.standard_normal((n, c))
    labels = {"classes": score.argmax(1), "multilabel": (score > 0).astype(float)}.get(kind, score)
    return tokenised(name, texts, labels, c, kind, seed)


def tokenised(name, texts, labels, c=2, kind="classes", seed=0, layer=LAYER):
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    ids = np.concatenate(texts).astype(np.int32)
    X = np.array([layer.vectors[text].mean(0) for text in texts], dtype=np.float32)
    hashes = np.arange(len(texts), dtype=np.uint64) + np.uint64(seed * 100_000)
    schema = LabelSchema(kind, tuple(f"y{i}" for i in range(c)), ("label",))
    rows = TokenRows(ids, starts, None, layer)
    return TaskVectors(name, X, labels, hashes, np.zeros(len(texts), np.int64), schema, rows)


class Naive:
    """One run, as a judge sees it: rows one by one, dense gradients, Adam in NumPy."""

    def __init__(self, data, run):
        assert not run.align
        self.data, self.run, self.t = data, run, 0
        widths = tuple(data.widths[slot.task] for slot in run.slots)
        state = initial_state(run, D, widths, word_trunk(run.trunk).shapes(D, run.r))
        if run.trunk == "lstm" and "b" not in (run.initial or {}):
            state["b"][:, run.r : 2 * run.r] = 1.0
        words = (run.initial or {}).get("words", data.tokens.vectors.numpy())
        state["words"] = np.asarray(words).copy()
        self.p = {k: torch.tensor(v, requires_grad=True) for k, v in state.items()}
        self.moments = {k: [np.zeros_like(v), np.zeros_like(v)] for k, v in state.items()}
        self.counts = {k: np.zeros(len(v) if k == "words" else 1) for k, v in state.items()}
        self.schedule = Schedule(run)
        self.batches = self.schedule.updates()
        self.labels = [SlotLabels(data, slot) for slot in run.slots]

    # ------------------------------------------------------------- training

    def update(self):
        for value in self.p.values():
            value.grad = None
        read = set()
        for s, rows, labelled in next(self.batches):
            learned = self.p.get(f"s{s}")
            self.labels[s].objective(self.logits(s, rows), labelled, learned).backward()
            read |= {i for row in rows for i in self.words_of(row).tolist()}
        for name, value in self.p.items():
            if value.grad is not None:
                self.move(name, value, sorted(read))
        self.t += 1

    def move(self, name, value, read):
        run, head = self.run, name[0] in "As"
        lr = run.lr * (("heads" if head else "trunk") not in run.frozen)
        at = read if name == "words" else slice(None)
        p, g = value.detach().numpy(), value.grad.numpy()
        if name in ("B", "B2", "H"):
            p *= 1 - lr * run.weight_decay
        if name[0] == "A":
            p[:-1] *= 1 - lr * run.weight_decay
        m, v = self.moments[name]
        where = at if name == "words" else slice(None)
        self.counts[name][where] += 1
        count = self.counts[name][where][:, None] if name == "words" else self.counts[name]
        m[at] = 0.9 * m[at] + 0.1 * g[at]
        v[at] = 0.999 * v[at] + 0.001 * g[at] ** 2
        p[at] -= lr * (m[at] / (1 - 0.9**count)) / (np.sqrt(v[at] / (1 - 0.999**count)) + 1e-8)

    # -------------------------------------------------------------- forward

    def words_of(self, row):
        tokens = self.data.tokens
        return tokens.ids[tokens.starts[row] : tokens.starts[row + 1]]

    def logits(self, s, rows):
        trunk = getattr(self, self.run.trunk.replace("-", "_"))
        h = trunk([self.p["words"][self.words_of(int(row))] for row in rows])
        A = self.p[f"A{s}"]
        return h @ A[:-1] + A[-1]

    def lstm(self, texts):
        """``(n, r)`` of texts of vectors ``(tokens, d)``."""
        module, r = torch.nn.LSTM(D, self.run.r), self.run.r
        order = torch.cat([torch.arange(r) + k * r for k in (0, 1, 3, 2)])
        weights = {
            "weight_ih_l0": self.p["B"][:, order].T,
            "weight_hh_l0": self.p["H"][:, order].T,
            "bias_ih_l0": self.p["b"][0, order],
            "bias_hh_l0": torch.zeros(4 * r),
        }
        packed = torch.nn.utils.rnn.pack_sequence(texts, enforce_sorted=False)
        return torch.func.functional_call(module, weights, (packed,))[1][0][0]

    def cnn(self, texts):
        return torch.stack([self.filtered(x) for x in texts])

    def filtered(self, x):
        x = functional.pad(x, (0, 0, 0, max(WIDTHS) - 1)).T[None]
        tokens, out, column = x.shape[2] - max(WIDTHS) + 1, [], 0
        for width, filters in zip(WIDTHS, filter_counts(self.run.r), strict=True):
            if not filters:
                continue
            kernel = self.p["B"][:, column : column + width * filters]
            column += width * filters
            kernel = kernel.reshape(D, width, filters).permute(2, 0, 1)
            out.append(functional.conv1d(x, kernel)[0, :, :tokens])
        return torch.relu(torch.cat(out) + self.p["b"].T).amax(1)

    def mlp_tokens(self, texts):
        means = torch.stack([x.mean(0) for x in texts])
        z = torch.relu(means @ self.p["B"] + self.p["b"][0])
        return torch.relu(z @ self.p["B2"] + self.p["b2"][0])

    # ---------------------------------------------------------------- judge

    @torch.no_grad()
    def outputs(self, s, rows):
        return self.logits(s, rows)

    def snapshot(self, s):
        return {name: value.detach().clone() for name, value in self.p.items()}

    def restore(self, s, kept):
        for name, value in kept.items():
            self.p[name].data.copy_(value)

    def state(self):
        return {name: value.detach().numpy().copy() for name, value in self.p.items()}

    def loss_weights(self):
        found = [self.p[n] for n in sorted(self.p) if n[0] == "s"]
        return tuple(float(torch.exp(-s.detach())) for s in found)
