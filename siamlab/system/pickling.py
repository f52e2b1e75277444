"""What belongs to the process that made it: it is not pickled, and says so."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex

from siamlab.errors import InputError


class OneProcess:
    """Base of what holds open files, native objects or keys, which another process cannot have."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse in one line.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"A {type(self).__name__} is not pickled: it holds what only this process has. Hand on "
            "the names of model and gallery, and open them in each process "
            "(docs/how_to/processes.md)."
        )
