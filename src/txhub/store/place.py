"""Where the archive's files are: a local folder, or any address that fsspec knows, such as s3://bucket/folder.

A file is written to a hidden name beside its own, brought safely to disk, then renamed: whoever reads sees a whole
file or none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple, cast

import fsspec

from txhub.errors import ArchiveUnavailable, DiskFull, SettingError

_BLOCK = 1 << 20


class Written(NamedTuple):
    """A file as it was written."""

    size: int
    sha256: bytes


class Place:
    """Files by their paths below one address.

    Raises:
        SettingError: fsspec does not know such an address, or lacks a package for it.
    """

    def __init__(self, address: str) -> None:
        self.shown = re.sub(r"//[^/@]*@", "//", address)
        """The address without a password that may be in it."""
        try:
            self._files, self._root = fsspec.url_to_fs(address)
        except (ValueError, ImportError) as fault:
            raise SettingError(
                f"the archive's address {self.shown!r} cannot be used: {fault}", hint="see docs/archive.md"
            ) from None
        self._local = "file" in (self._files.protocol if isinstance(self._files.protocol, tuple) else ())

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self._local

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> Written:
        """Write a file, or write it anew; what was there stays until the new one is whole.

        Raises:
            DiskFull: there is no space left; nothing was changed.
            ArchiveUnavailable: the place cannot be written to; nothing was changed.
        """
        whole = f"{self._root}/{path}"
        folder, _, name = whole.rpartition("/")
        partial = f"{folder}/.{name}.partial"
        with self._faults(path):
            self._files.makedirs(folder, exist_ok=True)
            try:
                with self._files.open(partial, "wb") as file:
                    hashing = _Hashing(file)
                    fill(cast("BinaryIO", hashing))
                    file.flush()
                    if self._local:
                        os.fsync(file.fileno())
                self._files.mv(partial, whole)
            except BaseException:
                with suppress(OSError):
                    self._files.rm_file(partial)
                raise
            if self._local:
                _sync_folder(folder)
        return Written(hashing.size, hashing.sha256.digest())

    def fingerprint(self, path: str) -> Written | None:
        """Size and SHA-256 of a file, read from end to end; None where there is none."""
        sha256, size = hashlib.sha256(), 0
        with self._faults(path):
            try:
                with self._files.open(f"{self._root}/{path}", "rb") as file:
                    while block := file.read(_BLOCK):
                        sha256.update(block)
                        size += len(block)
            except FileNotFoundError:
                return None
        return Written(size, sha256.digest())

    def size(self, path: str) -> int | None:
        """Bytes of a file; None where there is none."""
        with self._faults(path):
            try:
                return int(self._files.size(f"{self._root}/{path}"))
            except FileNotFoundError:
                return None

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file to read from.

        Raises:
            ArchiveUnavailable: there is none, or it cannot be read.
        """
        with self._faults(path), self._files.open(f"{self._root}/{path}", "rb") as file:
            yield file

    def local(self, paths: Iterable[str], folder: str | None = None) -> list[str]:
        """Names of the same files on this machine; those from elsewhere are fetched into a folder.

        Without one they stay until the process ends.
        """
        whole = [f"{self._root}/{path}" for path in paths]
        if self._local or not whole:
            return whole
        with self._faults("files"):
            fetched = fsspec.open_local(
                [f"simplecache::{self._files.unstrip_protocol(name)}" for name in whole],
                simplecache={"cache_storage": folder or "TMP"},
                **{next(iter(self._protocols())): self._files.storage_options},
            )
        return list(fetched)

    def _protocols(self) -> tuple[str, ...]:
        protocol = self._files.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    @contextmanager
    def _faults(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            reason = fault.strerror or str(fault)
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"there is no space left for the archive ({self.shown})",
                    hint="make room, then run it again; nothing is dropped before it is archived",
                ) from fault
            raise ArchiveUnavailable(
                f"the archive's {path} cannot be used: {reason}", hint=f"is {self.shown} there, and may it be used?"
            ) from fault


class _Hashing:
    """A file to write to that knows its size and SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Whoever opened the file closes it."""
        self.closed = True


def _sync_folder(folder: str) -> None:
    """Bring the renamed entry itself to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
