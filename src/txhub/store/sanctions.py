"""Lists of sanctioned addresses as others publish them: OFAC's XML, and plain lists of addresses by ticker.

OFAC's `sdn_enhanced.xml` is some 100 MB; it is read as a stream, so memory stays small. Of each entity it names the
addresses of digital currencies as features whose type is `Digital Currency Address - ` and a ticker. The schema is
ENHANCED_XML.xsd of OFAC's Sanctions List Service.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import msgspec

from txhub.address import stored_address
from txhub.errors import UsageError
from txhub.store.labels import Entry

CATEGORY = "sanctioned"
_TYPE = "Digital Currency Address - "
_BITCOIN = frozenset({"XBT", "BTC", "USDT"})
"""Tickers whose addresses may be Bitcoin's; USDT was issued there first (Omni)."""
_TICKER = re.compile(r"_?([A-Z0-9]{2,10})\Z")
_PLAIN = (".txt", ".json")


class Published(NamedTuple):
    """A list as its keeper publishes it.

    `skipped` counts, by ticker, addresses of chains whose addresses txhub does not know. `version` and `as_of` are
    None where the list does not tell its date.
    """

    entries: list[Entry]
    skipped: Counter[str]
    version: str | None = None
    as_of: datetime | None = None


class _Listed(NamedTuple):
    ticker: str
    address: str
    name: str | None


def read_ofac(path: Path) -> Published:
    """The addresses of OFAC's `sdn_enhanced.xml` or `cons_enhanced.xml`, each with its entity's name and programs.

    Raises:
        UsageError: it is not such a file, or it has no address.
    """
    date: str | None = None
    entities: ElementTree.Element | None = None
    found: list[_Listed] = []
    try:
        # expat, from 2.4.1 on, bounds what entities of a document may expand to
        for event, element in ElementTree.iterparse(path, ("start", "end")):  # noqa: S314
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                if tag == "entities":
                    entities = element
            elif tag == "entity" and entities is not None:
                found += _of_entity(element)
                entities.clear()
            elif tag == "dataAsOf":
                date = element.text
    except ElementTree.ParseError as fault:
        raise UsageError(f"{path.name} is not XML: {fault}") from None
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}") from None
    if date is None:
        raise UsageError(
            f"{path.name} does not say of when it is", hint="OFAC's sdn_enhanced.xml is expected, not sdn_advanced.xml"
        )
    try:
        as_of = datetime.fromisoformat(date.strip())
    except ValueError:
        raise UsageError(f"{path.name} is of {date[:40]!r}, which is not a time") from None
    return Published(*_entries(path, found), as_of.date().isoformat(), _utc(as_of))


def read_by_ticker(paths: Iterable[Path]) -> Published:
    """The addresses of plain lists, a file for each ticker, which its name ends with (`sanctioned_addresses_ETH.txt`).

    An address a line (.txt), or a JSON list of them (.json).

    Raises:
        UsageError: a file cannot be read, names no ticker, or none of them has an address.
    """
    found: list[_Listed] = []
    files = list(paths)
    for path in files:
        named = _TICKER.search(path.stem)
        if named is None:
            raise UsageError(
                f"the name of {path.name} does not end with a ticker", hint="such as sanctioned_addresses_ETH.txt"
            )
        found += [_Listed(named[1], address, None) for address in _plain(path)]
    return Published(*_entries(files[0] if len(files) == 1 else files[0].parent, found))


def is_plain(path: Path) -> bool:
    """Whether a JSON file is a plain list of addresses, and not of records."""
    if path.suffix.lower() != ".json":
        return False
    with suppress(OSError, msgspec.DecodeError):
        records = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])
        return bool(records) and bytes(records[0]).startswith(b'"')
    return False


def files_by_ticker(folder: Path) -> list[Path]:
    """The plain lists of a folder: its .txt files, or, where it has none, its .json files.

    Raises:
        UsageError: there are none.
    """
    for suffix in _PLAIN:
        if files := sorted(folder.glob(f"*{suffix}")):
            return files
    raise UsageError(f"{folder} has no lists of addresses", hint="files such as sanctioned_addresses_ETH.txt")


def _of_entity(entity: ElementTree.Element) -> Iterator[_Listed]:
    features = [
        (kind.removeprefix(_TYPE).strip(), (feature.findtext("{*}value") or "").strip())
        for feature in entity.iterfind("{*}features/{*}feature")
        if (kind := (feature.findtext("{*}type") or "").strip()).startswith(_TYPE)
    ]
    if features:
        name = _name(entity)
        programs = [text for each in entity.iterfind("{*}sanctionsPrograms/{*}sanctionsProgram") if (text := each.text)]
        shown = f"{name} ({', '.join(dict.fromkeys(programs))})" if programs else name
        yield from (_Listed(ticker, address, shown) for ticker, address in features if address)


def _name(entity: ElementTree.Element) -> str:
    """The primary name, in the script that is primary; else the first that there is."""
    names = entity.findall("{*}names/{*}name")
    for only_primary in (True, False):
        for name in names:
            for each in (name, *name.iterfind("{*}translations/{*}translation")):
                text = (each.findtext("{*}formattedFullName") or "").strip()
                if text and not (only_primary and "false" in (_primary(name), _primary(each))):
                    return text
    return f"entity {entity.get('id')}"


def _primary(element: ElementTree.Element) -> str:
    return (element.findtext("{*}isPrimary") or "true").strip()


def _plain(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not text in UTF-8") from None
    if path.suffix == ".json":
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError as fault:
            raise UsageError(f"{path.name} is not a JSON list of addresses: {fault}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _entries(path: Path, found: Iterable[_Listed]) -> tuple[list[Entry], Counter[str]]:
    """An entry for each address that a chain of txhub's families can have; the others are counted by ticker."""
    named: dict[bytes, Entry] = {}
    tickers: dict[bytes, list[str]] = {}
    skipped: Counter[str] = Counter()
    for ticker, address, name in found:
        stored = stored_address(address, {"evm"}) or (_bitcoin(address) if ticker in _BITCOIN else None)
        if stored is None:
            skipped[ticker] += 1
            continue
        if ticker not in tickers.setdefault(stored, []):
            tickers[stored].append(ticker)
        named.setdefault(stored, Entry(address, name or "", CATEGORY))
    if not named:
        raise UsageError(f"{path.name} has no addresses of EVM chains or of Bitcoin")
    for stored, entry in named.items():
        entry.name = entry.name or f"no name given ({', '.join(tickers[stored])})"
    return list(named.values()), skipped


def _bitcoin(address: str) -> bytes | None:
    """As `stored_address`, but for addresses of other chains that are written alike, such as Tron's and Litecoin's."""
    return stored_address(address, {"utxo"}) if address.lower().startswith(("1", "3", "bc1")) else None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
