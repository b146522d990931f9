"""Lists in text form are recognised by what stands in them; bad lines are named, unusable files refused."""

from __future__ import annotations

import gzip

import polars as pl
import pytest
import zstandard

from screening.errors import InputError
from screening.traffic.lists_text import TextFormat, read_text


def _read(tmp_path, text: str | bytes, wanted: TextFormat | None = None):
    path = tmp_path / "list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_text(path, wanted)


@pytest.mark.parametrize(
    ("text", "file_format", "said"),
    [
        ("1.0.0.0,1.0.0.255,AU\n", TextFormat.RANGES, ("AU", None, None)),
        ("1.0.0.0\t1.0.0.255\tau\n", TextFormat.RANGES, ("AU", None, None)),
        ("1.0.0.0 - 1.0.0.255\n", TextFormat.RANGES, (None, None, None)),
        ("1.0.0.0,1.0.0.255,13335,Cloudflare\n", TextFormat.RANGES, (None, 13335, "Cloudflare")),
        ("3.0.0.0,3.1.255.255,Amazon AWS,http://www.amazon.com/aws/\n", TextFormat.RANGES, (None, None, None)),
        ("1.0.0.0/24\n", TextFormat.NETWORKS, (None, None, None)),
        ("1.0.0.1\n", TextFormat.NETWORKS, (None, None, None)),
        ("1.0.0.0/24 # Sydney\n", TextFormat.NETWORKS, (None, None, None)),
        ("1.0.0.0/24,AS13335,Cloudflare\n", TextFormat.NETWORKS, (None, 13335, "Cloudflare")),
        ("ExitNode ABC\nPublished 2026-01-01\nExitAddress 1.0.0.1 2026\n", TextFormat.NETWORKS, (None, None, None)),
        ("network,country_code,asn,as_name\n1.0.0.0/24,AU,AS1,Rack\n", TextFormat.NETWORKS, ("AU", 1, "Rack")),
        ("start_ip,end_ip,country\n1.0.0.0,1.0.0.255,AU\n", TextFormat.RANGES, ("AU", None, None)),
        (
            "network,autonomous_system_number,autonomous_system_organization\n1.0.0.0/24,13335,Cloudflare\n",
            TextFormat.NETWORKS,
            (None, 13335, "Cloudflare"),
        ),
        ("2001:db8::/32\n", TextFormat.NETWORKS, (None, None, None)),
        ("2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n", TextFormat.RANGES, ("JP", None, None)),
    ],
)  # fmt: skip
def test_formats_are_found_out(tmp_path, text, file_format, said):
    result = _read(tmp_path, text)
    assert (result.file_format, result.refused, len(result.rows)) == (file_format, (), 1)
    assert result.rows.select("country", "asn", "as_name").row(0) == said


def test_operators_with_and_without_header(tmp_path):
    for text in ('ASN,Entity\n198375,"INULOGIC SARL, FR"\n', "AS198375 INULOGIC\n", "198375\n"):
        result = _read(tmp_path, text)
        assert result.file_format is TextFormat.OPERATORS
        assert result.rows["asn"].to_list() == [198375]
    assert _read(tmp_path, 'ASN,Entity\n198375,"INULOGIC SARL, FR"\n').rows["as_name"].to_list() == [
        "INULOGIC SARL, FR"
    ]


def test_compressed_files_and_byte_order_marks_are_read(tmp_path):
    plain = b"1.0.0.0/24\n"
    for content in (
        gzip.compress(plain),
        zstandard.compress(plain),
        b"\xef\xbb\xbf" + plain,
        plain.replace(b"\n", b"\r\n"),
    ):
        assert len(_read(tmp_path, content).rows) == 1


def test_bad_lines_are_named_with_their_numbers(tmp_path):
    text = "# header\n1.0.0.0/24\n\n1.0.0.0/99\nnonsense\n2.0.0.1\n3.0.0.9-3.0.0.1\n"
    result = _read(tmp_path, text)
    assert [line.line for line in result.refused] == [4, 5]
    assert len(result.rows) == 3
    ranged = _read(tmp_path, "1.0.0.0,1.0.0.9,DE\n1.0.0.9,1.0.0.0,DE\n1.0.0.0,::1,DE\n2.0.0.0,2.0.0.9,DE\n")
    assert [line.line for line in ranged.refused] == [2, 3]


@pytest.mark.parametrize(
    "text", ["root:x:0:0:root:/root:/bin/bash\n", '{"a": 1}\n', "", "# only a comment\n", b"\xff\xfe\x00"]
)
def test_files_that_are_no_list_are_refused(tmp_path, text):
    with pytest.raises(InputError) as caught:
        _read(tmp_path, text)
    assert str(tmp_path) in str(caught.value)


def test_agent_patterns_are_checked(tmp_path):
    result = _read(tmp_path, "# own\nAcmeBot/\n(unclosed\n.*\n^Foo \\d+$\n", TextFormat.AGENTS)
    assert result.rows["pattern"].to_list() == ["AcmeBot/", "^Foo \\d+$"]
    assert [line.line for line in result.refused] == [3, 4]
    assert isinstance(result.rows, pl.DataFrame)
