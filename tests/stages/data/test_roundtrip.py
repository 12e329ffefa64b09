"""CSV against the standard library: whatever it wrote and reads, we read, cell by cell."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from stages.data._tables import csv_bytes, opened, rows_of

from taskaff.core.errors import DataError

cells = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r '#\\aé€😀\u2028\x0b\x85\ufeff"),
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
    ),
    max_size=12,
)
labels = st.sampled_from(["x", "y", " x", 'q"q', "NA", "1", "é,é"])


@settings(max_examples=150)
@given(
    st.lists(st.tuples(cells, labels), min_size=1, max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([",", ";", "\t"]),
)
@example([('"', "x"), ("\r,", "x"), ("\n\n", "x"), ("\ufeff", "x")], csv.QUOTE_MINIMAL, "\n", ",")
def test_what_csv_writes(tmp_path_factory, rows, quoting, end, delimiter):
    path = tmp_path_factory.mktemp("rt", numbered=True) / "toy.csv"
    rules = {"quoting": quoting, "lineterminator": end, "delimiter": delimiter}
    data = csv_bytes(rows, **rules)
    path.write_bytes(data)
    text = io.StringIO(data.decode(), newline="")
    again = [tuple(row) for row in csv.reader(text, delimiter=delimiter, strict=True)][1:]
    # Some versions of csv write a bare CR unquoted; such a table is another one when read back.
    assume(again == rows)
    task = opened(path, delimiter=delimiter, label_kind="classes")
    assert rows_of(task) == [(text, label.strip()) for text, label in rows]


soup = st.text(st.sampled_from('ab",\n\r x'), max_size=60)


@settings(max_examples=300)
@given(soup)
def test_any_soup_is_read_as_the_oracle_reads_it_or_refused(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("soup", numbered=True) / "toy.csv"
    data = ("text,label\n" + body).encode()
    path.write_bytes(data)
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))[1:]
        rows = [tuple(row) for row in rows if row]
        good = bool(rows) and all(len(row) == 2 for row in rows)
    except csv.Error:
        good = False
    found = None
    with suppress(DataError):
        found = rows_of(opened(path, label_kind="classes", quote='"'))
    labelled = [(text, label.strip()) for text, label in rows if label.strip()] if good else []
    assert found == (labelled or None)
    with suppress(DataError):  # rows that can be read in two ways are refused without the flag
        assert rows_of(opened(path, label_kind="classes")) == found
