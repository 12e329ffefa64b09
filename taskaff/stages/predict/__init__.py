"""Room 6, calibrated predictions from scores and probes: will this source help or hurt?

The *atlas* is a table of measured transfer between many data sets with the features of every pair
(``atlas``). On it a model is fitted (``fit``) and stored as plain arrays (``model``), which
predicts (``predictor``). What ships is the table; scikit-learn fits the model when it is first
needed.
"""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).with_name("atlas.parquet")
"""The atlas that comes with the package."""
