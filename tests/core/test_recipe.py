"""Names, numbers and shares of recipes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.errors import UsageError
from taskaff.core.recipe import EXAMPLES, MOST_UPDATES, RENAMED, parse, rates

ROWS = st.lists(st.integers(1, 100_000), min_size=2, max_size=6)


@pytest.mark.parametrize("text", EXAMPLES)
def test_names_are_read_and_written_alike(text):
    assert str(parse(text)) == text
    assert parse(f" {text} ").rule


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("turn", "turns"),
        ("share", "share=0.2"),
        ("share=1", "share=0.2"),
        ("share=nan", "share=0.2"),
        ("share=x", "share=0.2"),
        ("temperature=0.5", "temperature=2"),
        ("temperature=inf", "temperature=2"),
        ("turns=2", "--recipe turns"),
        *((old, f"--recipe {new}") for old, new in RENAMED.items()),
    ],
)
def test_what_is_no_recipe_is_refused_with_one(text, hint):
    with pytest.raises(UsageError) as error:
        parse(text)
    assert hint in error.value.hint


@given(ROWS, st.sampled_from(EXAMPLES))
def test_shares_sum_to_one(rows, text):
    shares = parse(text).shares(rows, len(rows) - 1)
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0


def test_shares_of_every_recipe():
    rows = [100, 400, 1600]
    assert parse("concat").shares(rows) == pytest.approx((1 / 21, 4 / 21, 16 / 21))
    assert parse("temperature=2").shares(rows) == pytest.approx((1 / 7, 2 / 7, 4 / 7))
    assert parse("temperature=1").shares(rows) == pytest.approx(parse("concat").shares(rows))
    assert parse("share=0.2").shares(rows, 2) == pytest.approx((0.4, 0.4, 0.2))
    assert parse("share=0.2").shares(rows) == pytest.approx((1 / 3,) * 3)
    assert parse("turns").shares(rows) == pytest.approx((1 / 3,) * 3)


@given(ROWS, st.integers(0, 5))
def test_no_task_has_more_than_the_most_updates_for_one_of_a_judged_task(rows, judged):
    own = [i == judged % len(rows) for i in range(len(rows))]
    found = rates(parse("concat").shares(rows), own)
    reference = found[judged % len(rows)]
    assert reference == 1.0
    assert max(found) <= MOST_UPDATES * (1 + 1e-9)


def test_all_turns_have_one_rate_however_many_they_are():
    assert rates((1 / 50,) * 50, [True] * 50) == (1.0,) * 50
