from __future__ import annotations

import pytest

from taskaff.stages.embed import open_encoder


@pytest.fixture(scope="session")
def default_glove():
    return open_encoder("glove")
