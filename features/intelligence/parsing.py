"""Addresses as numbers: IPv4 and IPv6 text to 128-bit keys and back to networks, whole columns at a time.

A key is a pair of unsigned 64-bit halves; an IPv4 address has `high` 0 and its 32 bits in `low`. IPv4 written inside
IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is read as IPv4: it is the same host.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

IPV4, IPV6 = 4, 6
NETWORK_BITS = {IPV4: 24, IPV6: 48}
"""Prefix length of the network that an address is counted with: the smallest that is routed between providers."""

_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DOTTED = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_PLAIN = r"^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$"
"""IPv4 as nearly everybody writes it; an octet may still be over 255."""
_MAPPED_PREFIX = 0xFFFF
_IPV6_SHAPE = r"^[0-9a-f:]+$"
_BAD_COLONS = r":::|^:[^:]|[^:]:$|[0-9a-f]{5}"
_GROUPS = 8
_HEX_DIGITS = 32


def parse_addresses(addresses: pl.Series) -> pl.DataFrame:
    """Read addresses.

    Returns one row per input row: `ip` as given, `version` (4, 6, or null where the text is no address), `high`, `low`
    (UInt64). Octets with leading zeros are refused because readers differ on what they mean.
    """
    given = addresses.cast(pl.String).alias("ip")
    is_plain = given.str.contains(_PLAIN).fill_null(value=False)
    plain, other = given.filter(is_plain), given.filter(~is_plain)
    numbers = pl.concat([_numbered(plain.to_frame("text").select(four=_number("text"))), _any_address(other)])
    # those that were plain stand first: put every row back to where it came from
    place = np.argsort(np.argsort(~is_plain.to_numpy(), kind="stable"))
    return pl.concat([given.to_frame(), numbers[place]], how="horizontal")


def _number(column: str) -> pl.Expr:
    """Number of an address that `_PLAIN` fits; null where an octet is over 255."""
    # parts and their numbers, not groups of a regular expression: twice as fast
    parts = pl.col(column).str.splitn(".", 4)
    octets = [
        parts.struct.field(f"field_{place}").str.to_integer(dtype=pl.UInt8, strict=False).cast(pl.UInt64)
        for place in range(4)
    ]
    return sum((octet * 256 ** (3 - place) for place, octet in enumerate(octets)), start=pl.lit(0, pl.UInt64))


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `version`, `high` and `low` of IPv4 numbers `four`, or where they are null of `six_high` and `six_low`."""
    for name in ("six_high", "six_low"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.UInt64).alias(name))
    is_four = pl.col("four").is_not_null()
    version = pl.when(is_four).then(IPV4).when(pl.col("six_high").is_not_null()).then(IPV6).cast(pl.UInt8)
    return frame.select(
        version=version,
        high=pl.when(is_four).then(pl.lit(0, pl.UInt64)).otherwise("six_high"),
        low=pl.coalesce("four", "six_low"),
    )


def _any_address(addresses: pl.Series) -> pl.DataFrame:
    """Read addresses however they are written: with blanks, brackets or a zone, IPv6, IPv4 within IPv6."""
    text = addresses.str.strip_chars(" \t[]").str.to_lowercase().str.replace(r"%.*$", "").alias("text")
    frame = text.to_frame().with_columns(four=pl.when(pl.col("text").str.contains(_PLAIN)).then(_number("text")))
    six = _ipv6_halves(frame.filter(pl.col("four").is_null() & pl.col("text").str.contains(":"))["text"].unique())
    frame = frame.join(six, on="text", how="left", maintain_order="left")
    mapped = (pl.col("six_high") == 0) & (pl.col("six_low") // 2**32 == _MAPPED_PREFIX)
    inside = pl.when(mapped).then(pl.col("six_low") % 2**32)
    return _numbered(frame.with_columns(four=pl.coalesce("four", inside)))


def _ipv6_halves(texts: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"text": texts.cast(pl.String)}).with_columns(plain=_without_dotted_tail(texts))
    halves = pl.col("plain").str.splitn("::", 2)
    frame = frame.with_columns(
        left=_padded_hex(halves.struct.field("field_0")),
        right=_padded_hex(halves.struct.field("field_1")),
        shortened=pl.col("plain").str.contains("::", literal=True),
    ).with_columns(digits=pl.col("left").str.len_bytes() + pl.col("right").str.len_bytes())
    length_fits = pl.when("shortened").then(pl.col("digits") < _HEX_DIGITS).otherwise(pl.col("digits") == _HEX_DIGITS)
    valid = (
        pl.col("plain").str.contains(_IPV6_SHAPE)
        & ~pl.col("plain").str.contains(_BAD_COLONS)
        & (pl.col("plain").str.count_matches("::", literal=True) <= 1)
        & length_fits
    )
    # the right half is pushed to the end of the 32 digits, the left half to the front
    digits = pl.col("left").str.pad_end(_HEX_DIGITS - pl.col("right").str.len_bytes(), "0") + pl.col("right")
    return (
        frame.filter(valid)
        .select("text", digits=digits)
        .select(
            "text",
            six_high=pl.col("digits").str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64),
            six_low=pl.col("digits").str.slice(16, 16).str.to_integer(base=16, dtype=pl.UInt64),
        )
    )


def _without_dotted_tail(texts: pl.Series) -> pl.Series:
    """Rewrite `64:ff9b::192.0.2.1` as hexadecimal groups; other text stays as it is."""
    frame = pl.DataFrame({"text": texts.cast(pl.String)})
    tail = pl.col("text").str.extract(r":(\d+\.\d+\.\d+\.\d+)$").str.extract_groups(_DOTTED)
    head = pl.col("text").str.extract(r"^(.*:)\d+\.\d+\.\d+\.\d+$")
    octets = [tail.struct.field(str(place)).cast(pl.UInt32) for place in range(1, 5)]
    hexadecimal = pl.concat_str(
        head, _hex_byte(octets[0]), _hex_byte(octets[1]), pl.lit(":"), _hex_byte(octets[2]), _hex_byte(octets[3])
    )
    return frame.select(pl.coalesce(hexadecimal, "text"))["text"] if len(frame) else frame["text"]


def _hex_byte(octet: pl.Expr) -> pl.Expr:
    digit = {value: f"{value:x}" for value in range(16)}
    return (octet // 16).replace_strict(digit, default=None, return_dtype=pl.String) + (octet % 16).replace_strict(
        digit, default=None, return_dtype=pl.String
    )


def _padded_hex(groups: pl.Expr) -> pl.Expr:
    """Join the groups of a half, each with its leading zeros; an empty or absent half gives no digits."""
    parts = groups.fill_null("").str.split(":").list.eval(pl.element().filter(pl.element() != "").str.zfill(4))
    return parts.list.join("")


def byte_keys(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bytes_]:
    """Return 16-byte big-endian keys, whose order as bytes is the order of the addresses."""
    halves = np.empty((len(high), 2), dtype=">u8")
    halves[:, 0], halves[:, 1] = high, low
    return halves.reshape(-1).view("S16")


def networks_of(parsed: pl.DataFrame) -> pl.Series:
    """Return the /24 (IPv4) or /48 (IPv6) of each parsed address as text; null where there is no address."""
    low = pl.col("low")
    four = pl.concat_str(
        (low // 2**24).cast(pl.String),
        pl.lit("."),
        (low // 2**16 % 256).cast(pl.String),
        pl.lit("."),
        (low // 2**8 % 256).cast(pl.String),
        pl.lit(f".0/{NETWORK_BITS[IPV4]}"),
    )
    if not (parsed["version"] == IPV6).any():
        return parsed.select(network=pl.when(pl.col("version") == IPV4).then(four))["network"]
    hexadecimal = pl.Series([f"{group:x}" for group in range(2**16)])
    high = parsed["high"].fill_null(0)
    groups = [hexadecimal[(high // 2**shift % 2**16).cast(pl.UInt32)].alias(str(shift)) for shift in (48, 32, 16)]
    six = pl.concat_str(*groups, separator=":").str.replace(r"(?:^0|:0)(?::0)*$", "") + f"::/{NETWORK_BITS[IPV6]}"
    text = pl.when(pl.col("version") == IPV4).then(four).when(pl.col("version") == IPV6).then(six)
    return parsed.select(network=text)["network"]
