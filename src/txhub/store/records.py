"""Records in files that people hand in: CSV with a header, a JSON list, or JSON lines.

A file is taken whole or not at all, and what is wrong with it is said by line. CSV and JSON lines are read as they
are needed, in little memory; a JSON list is read at once.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from txhub.errors import UsageError

Shape = TypeVar("Shape", bound=msgspec.Struct)
Row = TypeVar("Row")

_FAULTS_SHOWN = 10
_FORMATS = "a name that ends in .csv, .json, .jsonl or .ndjson is expected"


def read_rows(path: Path, shape: type[Shape], row_of: Callable[[Shape], Row]) -> Iterator[Row]:
    """Yield the row that `row_of` makes of each record; it raises a ValueError for what cannot be.

    Empty fields of CSV are as if they were missing.

    Raises:
        UsageError: at the end of the file, where any record is wrong: names the first ten lines and the faults. After
            a wrong record no rows are yielded. At once where the file cannot be read or its header is wrong.
    """
    faults: list[str] = []
    wrong = 0
    for place, record in _records(path, shape):
        try:
            if isinstance(record, ValueError):
                raise record
            row = row_of(_entry(record, shape))
        except ValueError as fault:
            wrong += 1
            if wrong <= _FAULTS_SHOWN:
                faults.append(f"{place}: {fault}")
        else:
            if not wrong:
                yield row
    if wrong:
        more = f"; and {wrong - len(faults):,} more" if wrong > len(faults) else ""
        raise UsageError(
            f"{path.name} is refused: {'; '.join(faults)}{more}",
            hint="nothing of it was taken: correct the file and import it again",
        )


def _entry(record: dict[str, str] | bytes | msgspec.Raw, shape: type[Shape]) -> Shape:
    if isinstance(record, dict):
        return msgspec.convert(record, shape)
    return msgspec.json.decode(record, type=shape)


def _records(path: Path, shape: type[Shape]) -> Iterator[tuple[str, dict[str, str] | bytes | msgspec.Raw | ValueError]]:
    """Each record with its place; a ValueError stands for one that cannot be read."""
    try:
        match path.suffix.lower():
            case ".csv":
                yield from _csv_records(path, shape)
            case ".json" | ".jsonl" | ".ndjson":
                yield from _json_records(path)
            case _:
                raise UsageError(f"{path.name} is of an unknown format", hint=_FORMATS)
    except OSError as fault:
        raise UsageError(
            f"{path} cannot be read: {fault.strerror}", hint="check that the file is there and that you may read it"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not text in UTF-8", hint="save it as UTF-8") from None


def _csv_records(path: Path, shape: type[Shape]) -> Iterator[tuple[str, dict[str, str] | ValueError]]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            header = [name.strip().lower() for name in next(lines, [])]
            _check_header(path, header, shape)
            line = lines.line_num + 1
            for fields in lines:
                if fields:
                    yield f"line {line}", _named(header, fields)
                line = lines.line_num + 1
        except csv.Error as fault:
            raise UsageError(f"{path.name} is refused: line {lines.line_num} is not CSV: {fault}") from None


def _check_header(path: Path, header: list[str], shape: type[Shape]) -> None:
    known = msgspec.structs.fields(shape)
    names = [field.name for field in known]
    fault = (
        next((f"column {name!r} is unknown" for name in header if name not in names), None)
        or next((f"column {name!r} is there twice" for name in header if header.count(name) > 1), None)
        or next(
            (f"column {field.name!r} is missing" for field in known if field.required and field.name not in header),
            None,
        )
    )
    if fault:
        raise UsageError(
            f"{path.name} is refused: {fault}", hint=f"the first line names the columns, which are {', '.join(names)}"
        )


def _named(header: list[str], fields: list[str]) -> dict[str, str] | ValueError:
    if len(fields) != len(header):
        return ValueError(f"it has {len(fields)} fields, the header has {len(header)}")
    return {name: text for name, field in zip(header, fields, strict=True) if (text := field.strip())}


def _json_records(path: Path) -> Iterator[tuple[str, bytes | msgspec.Raw]]:
    with path.open("rb") as lines:
        first = next((line for line in lines if line.strip()), b"")
        lines.seek(0)
        if not first.lstrip().startswith(b"["):
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"line {number}", line
            return
        try:
            entries = msgspec.json.decode(lines.read(), type=list[msgspec.Raw])
        except msgspec.DecodeError as fault:
            raise UsageError(f"{path.name} is refused: it is not a JSON list: {fault}") from None
    for number, entry in enumerate(entries, 1):
        yield f"entry {number}", entry
