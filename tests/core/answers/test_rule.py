"""One answer from many verdicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.answers import call_of
from taskaff.core.records.answer import WORDS, Answer

VERDICTS = st.lists(st.sampled_from(["positive", "negative", "neutral", "inconclusive"]))


@given(VERDICTS)
def test_the_rule_is_that_of_the_docstring(verdicts):
    found = call_of(verdicts)
    assert (found == "apart") == ("negative" in verdicts)
    assert (found == "add") == ("positive" in verdicts and "negative" not in verdicts)
    assert (found == "same") == (bool(verdicts) and not set(verdicts) - {"neutral"})


@given(VERDICTS, st.randoms())
def test_the_order_of_the_verdicts_does_not_matter(verdicts, random):
    shuffled = random.sample(verdicts, len(verdicts))
    assert call_of(shuffled) == call_of(verdicts)


def test_an_answer_says_its_word():
    assert {Answer("a", call).words for call in WORDS} == set(WORDS.values())
