"""A TCP proxy that does to connections what networks do to them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LINGER_FOR_NO_TIME = struct.pack("ii", 1, 0)
"""With SO_LINGER, closing throws away what is not sent yet and answers with RST."""


class Proxy:
    """Passes bytes between clients and the port `to` of this machine, until it is told to do something else.

    `accepted` counts the connections so far. `to` may be changed; new connections go there.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.accepted = 0
        self._delay_s = 0.0
        self._links: set[_Link] = set()
        self._passing = True
        self._changed = asyncio.Condition()

    def cut(self) -> None:
        """Close every connection cleanly, as a server does that shuts down in order."""
        for link in list(self._links):
            link.close()

    def reset(self) -> None:
        """Break every connection with a TCP reset, as a crashed machine or a firewall does."""
        for link in list(self._links):
            link.reset()

    def half_open(self) -> None:
        """Forward nothing any more on the connections there are, both ways, and close none; new ones are fine."""
        for link in self._links:
            link.passing.clear()

    def hold(self) -> None:
        """Forward nothing on any connection, new ones included, until `release`; nothing is lost."""
        self._passing = False
        self.half_open()

    def release(self) -> None:
        """Forward again, and first of all what was held."""
        self._passing = True
        for link in self._links:
            link.passing.set()

    def delay(self, seconds: float) -> None:
        """Forward every piece of data so much later from now on."""
        self._delay_s = seconds

    async def connections(self, count: int) -> None:
        """Wait until that many connections were accepted in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.accepted >= count)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes between a client that has just connected and the server, until one of them goes."""
        link = _Link(writer)
        self._links.add(link)
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.to)
            link.add(upstream[1])
            if self._passing:
                link.passing.set()
            async with self._changed:
                self.accepted += 1
                self._changed.notify_all()
            ways = [(reader, upstream[1]), (upstream[0], writer)]
            pumps = [asyncio.create_task(self._pump(link, *way)) for way in ways]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:  # nobody listens there (any more), and the client finds out as its connection is closed
            pass
        finally:
            self._links.discard(link)
            link.close()

    async def _pump(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(self._delay_s)
                await link.passing.wait()
                writer.write(data)
                await writer.drain()
        await link.passing.wait()  # a held connection does not tell that the other end has gone


class _Link:
    """One client's connection and ours to the server."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.passing = asyncio.Event()
        self._writers = [client]

    def add(self, server: asyncio.StreamWriter) -> None:
        self._writers.append(server)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        for writer in self._writers:
            end = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_FOR_NO_TIME)
            writer.transport.abort()


@asynccontextmanager
async def open_proxy(to: int) -> AsyncIterator[Proxy]:
    """A proxy that listens on `proxy.port` of this machine, until the block ends."""
    proxy = Proxy(to)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.pass_on(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        while tasks:  # a connection that was accepted just now has its task only after the next step of the loop
            proxy.reset()  # closing would wait for whom a held connection has something for
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
