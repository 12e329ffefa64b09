from __future__ import annotations

import _tiny
import pytest

from taskaff.stages.embed import open_encoder


@pytest.fixture(scope="session")
def default_glove():
    return open_encoder("glove")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """Folder of a tiny BERT; not to be changed."""
    return _tiny.bert(tmp_path_factory.mktemp("models") / "tiny")
