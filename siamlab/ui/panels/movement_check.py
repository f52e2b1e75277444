"""Asks for movements of the head before the camera, in a thread, so that the page goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from siamlab.capture.stream import FrameReader, one_line
from siamlab.verification.door import Door


class MovementCheck:
    """One challenge at a time (:mod:`siamlab.verification.challenge`).

    Args:
        door: verifies, and counts failures.
        reader: of the camera, running.
        person: who is claimed to be there.
        tell: shows an instruction, and the outcome at the end.
    """

    def __init__(
        self, door: Door, reader: FrameReader, person: str, tell: Callable[[str], None]
    ) -> None:
        self.door, self.reader, self.person, self.tell = door, reader, person, tell
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether somebody is being asked."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, ended: Callable[[], None]) -> None:
        """Begin, unless one runs.

        Args:
            ended: called at the end, however it ends.
        """
        if self.running:
            return
        self._thread = threading.Thread(
            target=self._run, args=(ended,), name="siamlab asks", daemon=True
        )
        self._thread.start()

    def _run(self, ended: Callable[[], None]) -> None:
        try:
            verdict = self.door.challenge(self.reader.read, self.person, self.tell)
            if verdict.verified is None:
                self.tell(f"Not passed: {verdict.reason}")
            else:
                self.tell(f"Movements made: {self.person} {verdict.verdict}")
        except Exception as error:  # a thread's exception would be lost
            self.tell(one_line(error))
        finally:
            ended()
