"""The user's own folders, which hold caches unless another place is named."""

from __future__ import annotations

from pathlib import Path


def user_cache() -> Path:
    """The cache folder of this user."""
    from platformdirs import user_cache_path

    return user_cache_path("taskaff", appauthor=False)


def user_atlas() -> Path:
    """The atlas of this user's own measurements, whether it exists or not."""
    from platformdirs import user_data_path

    return user_data_path("taskaff", appauthor=False) / "atlas.parquet"
