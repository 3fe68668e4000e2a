"""A number that grows with every change, for which requests can wait."""

import asyncio
from contextlib import suppress


class Version:
    """The number of changes so far. It is used on one event loop only."""

    def __init__(self) -> None:
        """Start at 1: whoever knows nothing yet has 0."""
        self.number = 1
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Count a change, and wake up all who wait."""
        self.number += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        """Wait for the next change, for at most some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
