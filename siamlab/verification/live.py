"""Live verification: the newest frame of a camera, its verdict, and the speed.

One thread reads the camera, another runs the network. A slow network drops frames and never
queues them, so a verdict is always about the newest frame. A verdict expires one second after the
last frame, and at once when the person was erased: who stands there then, nobody knows.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from siamlab.capture.cameras import Camera
from siamlab.capture.cameras.subject import subject_of
from siamlab.capture.stream import (
    FRESH_SECONDS,
    JOIN_SECONDS,
    FrameReader,
    FrameSnapshot,
    one_line,
)
from siamlab.errors import CameraError
from siamlab.gallery.consent import DRAWN
from siamlab.system.closing import Closing
from siamlab.verification.fusion import SlidingWindow
from siamlab.verification.result import Verification
from siamlab.verification.tracking import TrackingDetector
from siamlab.verification.verifier import Verifier


@dataclass(frozen=True, eq=False)
class LiveState:
    """The live loop at one moment: an immutable snapshot for a panel or a window.

    Attributes:
        frame: newest frame, uint8 RGB ``(H, W, 3)``, or ``None`` before the first.
        number: how many frames were read.
        verification: newest verdict, or ``None`` before the first; unknown when it has expired.
        decision: the verdict on all frames of the window together; ``None`` without a window.
        agreeing: how many of the decision's frames say the same when judged alone.
        verified_number: number of the frame that the verdict is about.
        verifications: how many verdicts there were.
        dropped: frames read while the network was busy with another.
        fps: frames read per second, recently.
        running: the camera is being read.
        error: why the loop ended, in one line; empty otherwise.
        silence: a sentence when the camera runs and sends no frames; empty otherwise.
    """

    frame: np.ndarray | None = None
    number: int = 0
    verification: Verification | None = None
    decision: Verification | None = None
    agreeing: int = 0
    verified_number: int = 0
    verifications: int = 0
    dropped: int = 0
    fps: float = 0.0
    running: bool = False
    error: str = ""
    silence: str = ""

    @property
    def shown(self) -> Verification | None:
        """The verdict to show: the decision where there is one, else that on one frame."""
        return self.verification if self.decision is None else self.decision


class LiveVerification(Closing):
    """Verifies one person at a camera, on request or all the time.

    Args:
        camera: what ``open_camera`` takes (index, file, folder, "drawn"), or a camera.
        verifier: with the person enrolled.
        person: the enrolled person to verify.
        continuous: verify all the time; otherwise when :meth:`request` asks.
        window: also decide on the frames of this many seconds together; 0 does not. A frame
            without a face, or with several, empties the window: the person may have changed.

    Where the camera shows drawn people (:func:`siamlab.capture.cameras.subject.subject_of`), the
    verdicts carry the note of :meth:`Verifier.domain_note
    <siamlab.verification.verifier.Verifier.domain_note>`.

    Example:
        ```python
        with LiveVerification(0, verifier, "Ada") as live:
            print(live.verify_now())
        ```
    """

    def __init__(
        self,
        camera: Camera | FrameReader | int | str | Path,
        verifier: Verifier,
        person: str,
        continuous: bool = False,
        window: float = 0.0,
    ) -> None:
        self.reader = camera if isinstance(camera, FrameReader) else FrameReader(camera)
        self.verifier = verifier
        self.person = person
        self.continuous = continuous
        self._tracking = TrackingDetector(verifier.detector)
        self.note = verifier.domain_note(_domain_of(self.reader.source))
        self._window: SlidingWindow[Verification] = SlidingWindow(window)
        self._asked = 0
        self._answered = 0
        self._answered_at = 0.0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._verdicts = LiveState()

    @property
    def state(self) -> LiveState:
        """The newest frame and the newest verdict; does not wait."""
        known, seen, silence = self._verdicts, self.reader.snapshot, self.reader.silence
        over = known.error or silence or self._late(known)
        return replace(
            known,
            frame=seen.frame,
            number=seen.number,
            fps=seen.fps if seen.running else 0.0,
            running=seen.running and known.running,
            error=known.error or seen.error,
            silence=silence if seen.running else "",
            verification=_expired(known.verification, over),
            decision=_expired(known.decision, over),
        )

    @property
    def running(self) -> bool:
        """Whether the loop runs."""
        return self.state.running

    @property
    def error(self) -> str:
        """Why the loop ended, in one line; empty otherwise."""
        return self.state.error

    @property
    def silence(self) -> str:
        """See :class:`LiveState`."""
        return self.state.silence

    def start(self) -> Self:
        """Start to read and to verify; does nothing when already running.

        Raises:
            NotEnrolledError: the person is not enrolled.
            ModelError: the person was enrolled with another model.
            CameraError: the camera cannot be opened.
        """
        if self.running:
            return self
        self.stop()
        self.verifier.gallery.get(self.person, self.verifier.model_id)
        self.reader.start()
        self._stop = threading.Event()
        self._verdicts = LiveState(running=True)
        self._window.clear()
        self._asked = self._answered = 0
        self._answered_at = 0.0
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name="siamlab verifies", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the loop and release the camera; harmless when already stopped."""
        self._stop.set()
        self.reader.stop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)

    close = stop

    def __enter__(self) -> Self:
        return self.start()

    def request(self) -> None:
        """Ask for one verification of the newest frame; does not wait."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def verify_now(self, timeout: float = 30.0) -> Verification:
        """Verify the newest frame and wait for the verdict.

        Raises:
            CameraError: the loop ended, or no verdict came for ``timeout`` seconds.
        """
        self.request()
        with self._changed:
            ticket = self._asked
            self._changed.wait_for(
                lambda: self._answered >= ticket or not self._verdicts.running, timeout
            )
            verification = self._verdicts.verification
            answered = self._answered >= ticket
        if verification is None or not answered:
            timed_out = f"{self.reader.name}: no verdict came for {timeout:g} seconds."
            raise CameraError(self.state.error or self.reader.silence or timed_out)
        return verification

    def _run(self, stop: threading.Event) -> None:
        error = ""
        try:
            self._verify_until(stop)
        except Exception as problem:  # a thread's exception would be lost
            error = one_line(problem)
            self.reader.stop()
        finally:
            self._publish(running=False, error=error)

    def _verify_until(self, stop: threading.Event) -> None:
        streamed = False  # frames count as dropped only between verdicts of one stream
        while not stop.is_set():
            before, asked, continuous = self._verdicts, self._asked, self.continuous
            if not continuous and asked <= self._answered:
                streamed = False
                with self._changed:  # wakes ten times a second: a stop, or the camera's end?
                    self._changed.wait_for(lambda: self._asked > self._answered, timeout=0.1)
                if before.verification is not None:  # is shown: is the person still enrolled?
                    self.verifier.gallery.get(self.person, self.verifier.model_id)
            else:
                last = self.reader.snapshot
                after = before.verified_number if self._is_fresh(last) else last.number
                seen = self.reader.newer_than(after, timeout=1.0)
                if seen is not None and seen.frame is not None:
                    verification = self._verify(seen.frame)
                    missed = seen.number - before.verified_number - 1 if streamed else 0
                    self._answer(verification, seen.number, missed, asked)
                    streamed = continuous
            last = self.reader.snapshot
            seen_all = last.number <= self._verdicts.verified_number or not self._is_fresh(last)
            if not last.running and seen_all:
                return

    def _is_fresh(self, seen: FrameSnapshot) -> bool:
        """Whether a frame tells who is before the camera now, or is the last of a film."""
        return self.reader.exhausted or self.reader.clock() - seen.time <= FRESH_SECONDS

    def _late(self, known: LiveState) -> str:
        """A sentence when the network should have given the next verdict long ago; else empty."""
        if not self.continuous or known.verification is None or self.reader.exhausted:
            return ""
        seconds = self.reader.clock() - self._answered_at
        late = seconds > known.verification.latency + FRESH_SECONDS
        return f"The last verdict is {seconds:.0f} s old." if late else ""

    def _verify(self, frame: np.ndarray) -> Verification:
        verification = self.verifier.verify(frame, self.person, self._tracking)
        return replace(verification, note=self.note)

    def _answer(self, verification: Verification, number: int, missed: int, asked: int) -> None:
        decision, agreeing = self._decide(verification)
        with self._changed:
            self._answered = asked
            self._answered_at = self.reader.clock()
            self._publish(
                verification=verification,
                decision=decision,
                agreeing=agreeing,
                verified_number=number,
                verifications=self._verdicts.verifications + 1,
                dropped=self._verdicts.dropped + missed,
            )

    def _decide(self, verification: Verification) -> tuple[Verification | None, int]:
        """The verdict on the frames of the window, and how many of them say the same alone."""
        if self._window.seconds == 0:
            return None, 0
        if verification.verified is None:
            self._window.clear()
            return verification, 0
        recent = self._window.add(verification, self.reader.clock())
        if recent[0].scores.shape != verification.scores.shape:  # enrolled again meanwhile
            self._window.clear()
            recent = self._window.add(verification, self.reader.clock())
        decision = replace(self.verifier.fuse(recent), note=self.note)
        alone = [self.verifier.fuse([one]).verified for one in recent]  # at today's thresholds
        return decision, alone.count(decision.verified)

    def _publish(self, **changes: Any) -> None:
        with self._changed:
            self._verdicts = replace(self._verdicts, **changes)
            self._changed.notify_all()


def _expired(verification: Verification | None, reason: str) -> Verification | None:
    """A verdict that does not hold any more for this reason; as it was for none."""
    if verification is None or not reason:
        return verification
    return replace(verification.without_scores(), verified=None, box=None, reason=reason)


def _domain_of(source: Any) -> str | None:
    return "drawings" if subject_of(source) == DRAWN else None
