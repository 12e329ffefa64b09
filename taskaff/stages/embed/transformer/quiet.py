"""Keep the libraries of models silent: what they would say is checked and said by us."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL, getLogger
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, log lines or warnings of transformers and its companions inside."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as _logging

    logging: Any = _logging  # its functions are not typed
    sentences = getLogger("sentence_transformers")
    before = sentences.level
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub_bars = not are_progress_bars_disabled()
    logging.set_verbosity(CRITICAL)
    sentences.setLevel(CRITICAL)
    logging.disable_progress_bar()
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        sentences.setLevel(before)
        if bars:
            logging.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()
