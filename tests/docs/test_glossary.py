"""The glossary is short, says each term once, and its links lead to pages that exist."""

import re

from paths import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = [
    line.split("|")[1].strip()
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| term ")
]


def test_at_most_forty_terms_each_once():
    assert 20 <= len(TERMS) == len(set(TERMS)) <= 40


def test_links_lead_to_pages():
    pages = re.findall(r"\]\(([^)#]+)", TEXT)
    assert pages
    assert [page for page in pages if not (ROOT / "docs" / page).is_file()] == []


def test_readme_and_design_link_here():
    for page in ("README.md", "docs/design.md"):
        assert "glossary.md" in (ROOT / page).read_text(encoding="utf-8"), page
