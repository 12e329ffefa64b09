"""Room 6, from scores and probes to a calibrated answer: will this source help or hurt?

The *atlas* is a table of measured transfer between many data sets with the features of every pair
(``atlas``). On it a model is fitted (``fit``), kept as plain arrays (``model``), and asked
(``judge``). What ships is the table; scikit-learn fits the model when it is first needed.
"""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).with_name("atlas.parquet")
"""The atlas that comes with the package."""
