"""What everything that holds a camera or a thread has in common: it is closed after a block."""

from __future__ import annotations

from typing import Self


class Closing:
    """A context manager that calls :meth:`close` when its block ends, however it ends."""

    def close(self) -> None:
        """Release what is held; harmless when that was done before."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
