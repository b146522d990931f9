"""Address databases in MaxMind's binary format, whoever made them, read into list rows.

The field names are those that MaxMind (GeoIP2, GeoLite2), IPinfo and ip-location-db document for their databases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import maxminddb
import polars as pl

from features.intelligence import AddressClass
from features.intelligence.ranges import BOUNDS
from screening.errors import InputError

ROW_SCHEMA: dict[str, type[pl.DataType]] = {
    "version": pl.UInt8,
    **dict.fromkeys(BOUNDS[1:], pl.UInt64),
    "country": pl.String,
    "asn": pl.Int64,
    "as_name": pl.String,
    "ip_class": pl.String,
}
"""Columns of a list of addresses: bounds, and what the list says of the addresses between them."""

_HALF = 2**64
_FLAGS = (
    # strongest first, as the classes are ordered
    (("is_tor_exit_node", "tor"), AddressClass.TOR),
    (("relay",), AddressClass.RELAY),
    (("is_anonymous_vpn", "is_public_proxy", "is_residential_proxy", "vpn", "proxy"), AddressClass.VPN),
    (("is_hosting_provider", "hosting"), AddressClass.HOSTING),
)
_TYPES = {
    "hosting": AddressClass.HOSTING,
    "content_delivery_network": AddressClass.HOSTING,
    "isp": AddressClass.RESIDENTIAL,
    "residential": AddressClass.RESIDENTIAL,
    "business": AddressClass.RESIDENTIAL,
    "education": AddressClass.RESIDENTIAL,
    "government": AddressClass.RESIDENTIAL,
    "college": AddressClass.RESIDENTIAL,
    "school": AddressClass.RESIDENTIAL,
    "library": AddressClass.RESIDENTIAL,
    "military": AddressClass.RESIDENTIAL,
    "cable/dsl": AddressClass.RESIDENTIAL,
    "corporate": AddressClass.RESIDENTIAL,
    "dialup": AddressClass.RESIDENTIAL,
    "satellite": AddressClass.RESIDENTIAL,
    "cellular": AddressClass.MOBILE,
}


def read_mmdb(path: Path) -> tuple[pl.DataFrame, str, date]:
    """Read a database.

    Returns its rows (`ROW_SCHEMA`), the type that it states and the day it was built. Raises InputError when the file
    is no such database or says nothing of country, network or kind of address.
    """
    try:
        with maxminddb.open_database(path) as database:
            about = database.metadata()
            rows = list(_rows(iter(database)))
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise InputError(
            f"The file is not a readable MaxMind database: {error}.", remedy="Download it again.", where=str(path)
        ) from error
    if not rows:
        raise InputError(
            f"The database ({about.database_type}) tells neither country, network nor kind of an address.",
            remedy="Give a Country, City, ASN, ISP, Connection-Type, Anonymous-IP or privacy database.",
            where=str(path),
        )
    built = datetime.fromtimestamp(about.build_epoch, tz=UTC).date()
    return pl.DataFrame(rows, schema=ROW_SCHEMA, orient="row"), about.database_type, built


def _rows(entries: Iterator[tuple[IPv4Network | IPv6Network, Any]]) -> Iterator[tuple[Any, ...]]:
    for network, record in entries:
        facts = _facts(record) if isinstance(record, Mapping) else None
        if facts is not None and any(fact is not None for fact in facts):
            first, last = int(network.network_address), int(network.broadcast_address)
            yield (network.version, first // _HALF, first % _HALF, last // _HALF, last % _HALF, *facts)


def _facts(record: Mapping[str, Any]) -> tuple[str | None, int | None, str | None, str | None]:
    traits = record.get("traits")
    flat = {**record, **traits} if isinstance(traits, Mapping) else record
    name = flat.get("autonomous_system_organization") or flat.get("as_name") or flat.get("isp") or flat.get("name")
    return _country(flat), _number(flat), name if isinstance(name, str) else None, _class(flat)


def _country(flat: Mapping[str, Any]) -> str | None:
    for key in ("country", "registered_country", "country_code"):
        value = flat.get(key)
        code = value.get("iso_code") if isinstance(value, Mapping) else value
        if isinstance(code, str) and len(code) == 2:
            return code.upper()
    return None


def _number(flat: Mapping[str, Any]) -> int | None:
    value = flat.get("autonomous_system_number", flat.get("asn"))
    digits = str(value if value is not None else "").upper().removeprefix("AS")
    return int(digits) if digits.isdigit() else None


def _class(flat: Mapping[str, Any]) -> str | None:
    for keys, address_class in _FLAGS:
        if any(str(flat.get(key)).lower() in ("true", "1") for key in keys):
            return address_class.value
    if flat.get("carrier") or flat.get("mcc"):
        return AddressClass.MOBILE.value
    for key in ("connection_type", "user_type", "type", "as_type"):
        known = _TYPES.get(str(flat.get(key)).lower())
        if known is not None:
            return known.value
    return None
