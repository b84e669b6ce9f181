"""Files of records, line by line, and addresses in their stored form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data import recorded
from txhub.address import stored_address
from txhub.errors import UsageError
from txhub.store.records import read_rows

BOTH = ("evm", "utxo")


class Fruit(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    colour: str | None = None


def ripe(fruit: Fruit) -> tuple[str, str | None]:
    if fruit.colour == "green":
        raise ValueError("it is not ripe")
    return fruit.name, fruit.colour


Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "name,colour\napple,red\npear,\n"),
        ("a.csv", "\ufeffName, Colour\r\n apple ,red\r\n\r\npear,\r\n"),
        ("a.CSV", 'colour,name\n"red",apple\n,"pear"'),
        ("a.json", '[{"name": "apple", "colour": "red"},\n {"name": "pear", "colour": null}]'),
        ("a.json", '{"name": "apple", "colour": "red"}\n\n{"name": "pear"}'),
        ("a.jsonl", '\n{"colour": "red", "name": "apple"}\r\n{"name": "pear"}\n'),
    ],
)
def test_every_format_holds_the_same(write: Write, name: str, text: str) -> None:
    assert list(read_rows(write(name, text), Fruit, ripe)) == [("apple", "red"), ("pear", None)]


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("a.json", ""), ("a.json", "[]"), ("a.csv", "name\n")])
def test_a_file_may_be_empty(write: Write, name: str, text: str) -> None:
    if text == "" and name == "a.csv":
        with pytest.raises(UsageError, match="column 'name' is missing"):
            list(read_rows(write(name, text), Fruit, ripe))
    else:
        assert list(read_rows(write(name, text), Fruit, ripe)) == []


@pytest.mark.parametrize(
    ("name", "text", "faults"),
    [
        ("a.csv", "name,weight\napple,1", ["column 'weight' is unknown"]),
        ("a.csv", "colour\nred", ["column 'name' is missing"]),
        ("a.csv", "name,name\na,b", ["column 'name' is there twice"]),
        (
            "a.csv",
            "name,colour\na,green\nb,red\nc,d,e\n,red\n",
            ["line 2: it is not ripe", "line 4: it has 3", "line 5"],
        ),
        ("a.csv", 'name,colour\n"a\nb",red\nc,green\n', ["line 4: it is not ripe"]),
        ("a.csv", 'name\n"a" b\n', ["line 2 is not CSV"]),
        ("a.json", '[{"name": "a"}, {"nam": "b"}, 7]', ["entry 2: Object contains unknown field `nam`", "entry 3"]),
        ("a.json", '[{"name": "a"}', ["not a JSON list"]),
        ("a.jsonl", '{"name": "a"}\n{"name": 5}\n{"name"\n', ["line 2: Expected `str`", "line 3: "]),
        ("a.txt", "name\na", ["unknown format"]),
    ],
)
def test_what_is_wrong_is_said_by_line(write: Write, name: str, text: str, faults: list[str]) -> None:
    with pytest.raises(UsageError) as refusal:
        list(read_rows(write(name, text), Fruit, ripe))
    places = [str(refusal.value).find(fault) for fault in faults]
    assert -1 not in places
    assert places == sorted(places)


def test_only_the_first_ten_faults_are_listed(write: Write) -> None:
    path = write("a.csv", "name,colour\nsound,red\n" + "a,green\n" * 1200)
    with pytest.raises(UsageError, match=r"line 3: .*line 12: it is not ripe; and 1,190 more$") as refusal:
        list(read_rows(path, Fruit, ripe))
    assert "line 13" not in str(refusal.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        list(read_rows(tmp_path / "none.csv", Fruit, ripe))
    (tmp_path / "latin.csv").write_bytes("name\nküche\n".encode("latin-1"))
    with pytest.raises(UsageError, match="not text in UTF-8"):
        list(read_rows(tmp_path / "latin.csv", Fruit, ripe))


@given(st.binary(min_size=20, max_size=20), st.randoms())
def test_the_case_of_hex_digits_does_not_matter(address: bytes, chance: Any) -> None:
    written = "".join(chance.choice((digit.lower(), digit.upper())) for digit in address.hex())
    assert stored_address("0x" + written, BOTH) == stored_address("0X" + written, ("evm",)) == address
    assert stored_address("0x" + written, ("utxo",)) is None


@pytest.mark.parametrize(
    "text",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "34qXaCzLxtTyHCo1ixaShcGsAQFCaDAEwd",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    ],
)
def test_bitcoin_addresses_are_stored_as_text(text: str) -> None:
    assert stored_address(text, BOTH) == stored_address(text, ("utxo",)) == text.encode()
    assert stored_address(text, ("evm",)) is None


def test_bech32_in_capitals_is_the_same_address() -> None:
    small = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    assert stored_address(small.upper(), BOTH) == small.encode()
    assert stored_address(small.replace("q", "Q", 1), BOTH) is None  # mixed case is not allowed


@pytest.mark.parametrize(
    "text", ["", "0x12", "0x" + "g" * 40, "0x" + "1" * 41, "hello", "1A1zP1eP5QGefi2DMPTfTL5SLmv0Divf"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert stored_address(text, BOTH) is None


@pytest.mark.parametrize(("ticker", "family"), [("XBT", "utxo"), ("ETH", "evm")])
def test_every_sanctioned_address_is_read(ticker: str, family: str) -> None:
    listed = json.loads(recorded(f"sanctions/ofac_0xB10C/sanctioned_addresses_{ticker}.json").read_text())
    assert len(listed) > 100
    assert [text for text in listed if stored_address(text, (family,)) is None] == []
