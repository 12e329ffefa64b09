"""Parquet files that would end the process, or take more than they declare."""

from __future__ import annotations

import base64
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stages.data._tables import ROWS, TABLE, opened, rows_of, write

from taskaff.core.errors import DataError

pe = pytest.importorskip("pyarrow.parquet.encryption")


class Keys(pe.KmsClient):
    """Wraps keys by their own name; nothing is secret here."""

    def wrap_key(self, key_bytes, master_key_identifier):
        return base64.b64encode(master_key_identifier.encode() + key_bytes)

    def unwrap_key(self, wrapped_key, master_key_identifier):
        return base64.b64decode(wrapped_key)[len(master_key_identifier) :]


def encrypted(path, table, columns, *, plain_footer=True):
    config = pe.EncryptionConfiguration(
        footer_key="footer",
        column_keys={"column": columns},
        plaintext_footer=plain_footer,
        cache_lifetime=timedelta(minutes=5),
    )
    factory = pe.CryptoFactory(lambda _: Keys())
    kms = pe.KmsConnectionConfig()
    properties = factory.file_encryption_properties(kms, config)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table, row_group_size=16)
    return path


MORE = TABLE.append_column("id", pa.array(range(len(ROWS))))


@pytest.mark.parametrize("column", ["text", "label"])
def test_an_encrypted_column_beside_a_plain_footer(tmp_path, column):
    path = encrypted(tmp_path / "a.parquet", MORE, [column])
    with pytest.raises(DataError, match="the column is encrypted") as caught:
        opened(path)
    assert caught.value.where.column == column
    assert "--text" in caught.value.hint


@pytest.mark.parametrize("nested", [False, True])
def test_an_encrypted_column_that_is_not_used(tmp_path, nested):
    table, columns = MORE, ["id"]
    if nested:
        lists = pa.array([[{"a": i}] for i in range(len(ROWS))])
        table, columns = MORE.append_column("lists", lists), ["lists.list.element.a"]
    assert rows_of(opened(encrypted(tmp_path / "a.parquet", table, columns))) == ROWS


def test_an_encrypted_file(tmp_path):
    path = encrypted(tmp_path / "a.parquet", MORE, ["id"], plain_footer=False)
    with pytest.raises(DataError, match="the Parquet file is encrypted") as caught:
        opened(path)
    assert "without encryption" in caught.value.hint


def test_a_footer_with_a_level_histogram_too_long(tmp_path):
    """Arrow throws past Python when it is asked for the sizes of such a column chunk."""
    pq.write_table(TABLE, tmp_path / "good.parquet")
    data = (tmp_path / "good.parquet").read_bytes()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer, histogram = data[start:-8], b"\x26\x00\x50"  # a list of two: 0 and 40 rows
    if histogram not in footer:
        pytest.skip("this pyarrow writes no level histograms")
    footer = footer.replace(histogram, b"\x36\x00\x50\x00", 1)
    harmed = data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(DataError, match="histogram size mismatch"):
        opened(write(tmp_path / "bad.parquet", harmed))


def test_no_column_at_all_is_no_crash(tmp_path):
    """Probing no column divided by zero in Arrow, which ended the process."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"foo": pa.array([b"a", b"b"])}), path)
    with pytest.raises(DataError):
        opened(path)


def test_a_page_whose_checksum_is_wrong(tmp_path):
    path = tmp_path / "a.parquet"
    plain = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}
    pq.write_table(TABLE, path, **plain)
    assert rows_of(opened(path)) == ROWS
    content = bytearray(path.read_bytes())
    content[content.index(b" row 20") + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC checksum"):
        opened(path)


NEGATIVE = (
    "ICAgICAVIBkgPCAYBiAgICAgIBUCIBUgJSAYAiAgBv////8gIBUOFSAgFiAZHBkTJiAcFSAZBRkQBSAgICAgFSAW/v"
    "//////////IBYgFtABJgQgIBb/IBb//yAgICAgICBdAAAAUEFSMQ=="
)


def test_a_row_group_of_fewer_than_no_rows(tmp_path):
    """A find of Arrow's fuzzers, for which Arrow would end the process."""
    path = write(tmp_path / "toy.parquet", base64.b64decode(NEGATIVE))
    with pytest.raises(DataError, match="row group 0 declares -270,336 rows") as caught:
        opened(path)
    assert "damaged" in caught.value.hint
