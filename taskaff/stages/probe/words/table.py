"""Word vectors of stacked runs, of which an update moves only those of its batch.

Every run has the vectors of the words in its own training rows; all other words keep what the run
began with, the encoder's vectors or given ones. One more row, of zeros, is that of empty places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.stages.probe import adam
from taskaff.stages.probe.records import Run
from taskaff.stages.probe.tokens import TokenData

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WordTable:
    """``start (R, V + 1, d)``: vectors that the runs begin with, ``V`` of the run with most."""

    def __init__(self, tokens: TokenData, runs: Sequence[Run]) -> None:
        assert tokens.vectors is not None
        self.words = len(tokens.vectors)
        used = _words_of(tokens, runs)
        self.V = max(len(words) for words in used)
        device = tokens.ids.device
        given = {id(run.initial): run.initial for run in runs if "words" in (run.initial or {})}
        place = {key: i + 1 for i, key in enumerate(given)}
        self.bases = tokens.vectors[None]
        if given:
            starts = [torch.from_numpy(np.asarray(s["words"])) for s in given.values() if s]
            self.bases = torch.stack([tokens.vectors, *(part.to(device) for part in starts)])
        self.base = torch.tensor([place.get(id(run.initial), 0) for run in runs], device=device)
        # the last column is read by EMPTY tokens
        self.local = torch.full((len(runs), self.words + 1), -1, device=device)
        self.local[:, -1] = self.V
        self.start = torch.zeros(len(runs), self.V + 1, tokens.d, device=device)
        for i, words in enumerate(used):
            self.local[i, words] = torch.arange(len(words), device=device)
            self.start[i, : len(words)] = self.bases[self.base[i], words]
        self.used = used

    def at(self, place: Tensor, ids: Tensor, runs: Tensor) -> Tensor:
        """Rows ``(m, P)`` of the flattened table in which the tokens of training rows are.

        ``place (m,)`` is the place of a batch's run now, ``runs`` the number of the run there.
        """
        return self.local[runs[place].unsqueeze(1), ids] + (place * (self.V + 1)).unsqueeze(1)

    def read(self, words: Tensor, run: Tensor, ids: Tensor) -> Tensor:
        """Vectors ``(m, P, d)`` of any tokens, with the tables ``words (m, V + 1, d)`` of runs."""
        local = self.local[run.unsqueeze(1), ids]
        missing = local < 0
        x = words[torch.arange(len(run), device=ids.device).unsqueeze(1), local.clamp(min=0)]
        which = self.base[run].unsqueeze(1).expand_as(ids)[missing]
        x[missing] = self.bases[which, ids[missing]]
        return x

    def whole(self, i: int, words: NDArray[np.float32]) -> NDArray[np.float32]:
        """All word vectors ``(words, d)`` of run ``i``, given its part ``(V + 1, d)``."""
        out: NDArray[np.float32] = self.bases[self.base[i]].cpu().numpy().copy()
        used = self.used[i].cpu().numpy()
        out[used] = words[: len(used)]
        return out


def _words_of(tokens: TokenData, runs: Sequence[Run]) -> list[Tensor]:
    """Sorted tokens of each run's training rows."""
    known: dict[int, Tensor] = {}
    for slot in (slot for run in runs for slot in run.slots):
        if id(slot.train) not in known:
            rows = torch.from_numpy(slot.train).to(tokens.ids.device)
            ids, mask, _ = tokens.padded(rows)
            known[id(slot.train)] = torch.unique(ids[mask])
    return [torch.unique(torch.cat([known[id(slot.train)] for slot in run.slots])) for run in runs]


class RowAdam:
    """Adam for the rows that an update touches; the others and their moments do not.

    Each row's bias correction counts the updates of that row, so that the first step of a rare
    word is as long as that of a frequent one.
    """

    def __init__(self, table: WordTable, corrections: adam.Corrections) -> None:
        R, rows, d = table.start.shape
        self.corrections, self.rows = corrections, rows
        self.m, self.v = (table.start.new_zeros(R * rows, d) for _ in range(2))
        self.count = torch.zeros(R * rows, dtype=torch.long, device=table.start.device)

    def select(self, places: Tensor) -> None:
        """Keep the rows of the runs at these places, in this order."""
        self.m, self.v, self.count = (
            part.view(-1, self.rows, *part.shape[1:])[places].flatten(0, 1)
            for part in (self.m, self.v, self.count)
        )

    def move(self, words: Tensor, at: Tensor, g: Tensor, lr: Tensor) -> None:
        """Move ``words (R, V + 1, d)`` by ``g (m, P, d)``, gradients of its rows ``at (m, P)``.

        ``lr (R,)``.
        """
        flat, d = words.view(-1, words.shape[2]), words.shape[2]
        touched, inverse = torch.unique(at, return_inverse=True)
        total = g.new_zeros(len(touched), d).index_add_(0, inverse.view(-1), g.reshape(-1, d))
        count = self.count[touched]
        rate = self.corrections.rate[count] * lr[touched // self.rows]
        rate = torch.where(touched % self.rows == self.rows - 1, 0.0, rate).unsqueeze(1)
        p, m, v = flat[touched], self.m[touched], self.v[touched]
        adam.step(p, total, m, v, rate, self.corrections.eps[count].unsqueeze(1))
        for whole, part in ((flat, p), (self.m, m), (self.v, v)):
            whole.index_copy_(0, touched, part)
        self.count[touched] += 1
