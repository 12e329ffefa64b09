from __future__ import annotations

import pytest
import tiny_models

from taskaff.stages.embed import open_encoder


@pytest.fixture(scope="session")
def default_glove():
    return open_encoder("glove")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """Folder of a tiny BERT; not to be changed."""
    return tiny_models.bert(tmp_path_factory.mktemp("models") / "tiny")
