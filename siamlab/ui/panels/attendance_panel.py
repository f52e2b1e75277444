"""The panel at the door: a person states a name, the camera confirms it, the register notes it."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets

from siamlab.attendance.register import Register
from siamlab.capture.cameras import Camera
from siamlab.capture.stream import FrameReader
from siamlab.errors import SiamlabError
from siamlab.ui.html import encode_jpeg
from siamlab.ui.overlay import mirrored
from siamlab.ui.panels.base import Panel, row
from siamlab.verification.door import Door

FRAMES = 5  # of one try


class AttendancePanel(Panel):
    """A field for the name, the camera's picture, and *Confirm*.

    Args:
        register: notes who was confirmed.
        door: verifies with a limit on failures, and shows no scores.
        session: an open session's name.
        camera: what ``open_camera`` takes, or a camera.
        challenge: ask for movements of the head first, against held-up photographs.

    Example:
        ```python
        register = Register(gallery)
        register.open_session("Monday", starts="09:00")
        AttendancePanel(register, Door(verifier), "Monday", camera=0).show()
        ```
    """

    def __init__(
        self,
        register: Register,
        door: Door,
        session: str,
        camera: Camera | int | str | Path = 0,
        challenge: bool = False,
    ) -> None:
        self.reader = FrameReader(camera)
        super().__init__(f"{session}, {self.reader.name}", self.reader, "Name, then Confirm.")
        self.register = register
        self.door = door
        self.session = session
        self.challenge = challenge
        self.who = ipywidgets.Text(placeholder="name or number", description="Who")
        self.answer = ipywidgets.HTML("&nbsp;")
        self.confirm_button = self._button("Confirm", self.confirm, "Look into the camera")
        self.answer.add_class("siamlab-answer")
        buttons = row(self.who, self.confirm_button, self.toggle)
        self._arrange([self.image, buttons, self.answer, self.status], live=("siamlab-answer",))

    def confirm(self) -> None:
        """What the button does: a few frames, a verdict, an entry."""
        was_running = self.running
        self.reader.start()
        try:
            text = self._try()
        except SiamlabError as error:
            text = str(error)
        finally:
            if not was_running:
                self.reader.stop()
        self.answer.value = f"<b>{html.escape(text)}</b>"

    def _try(self) -> str:
        if self.challenge:
            verification = self.door.challenge(self.reader.read, self.who.value, self._tell)
        else:
            frames = [self.reader.read() for _ in range(FRAMES)]
            verification = self.door.verify(frames, self.who.value)
        if verification.verified is None:
            return f"unknown: {verification.reason}"
        if not verification.verified:
            wait = self.door.wait(self.who.value)
            return f"not recognized, try again in {wait}" if wait else "not recognized, try again"
        entry = self.register.mark(self.session, verification)
        word = "already registered" if entry.again else "registered"
        return f"{entry.person}: {word} {entry.time[11:16]}, {entry.status}"

    def _tell(self, instruction: str) -> None:
        self.answer.value = f"<b>{html.escape(instruction)}</b>"

    def _tick(self) -> bool:
        frame = self.reader.snapshot.frame
        if frame is not None:
            self.image.value = encode_jpeg(mirrored(frame))
        return True
