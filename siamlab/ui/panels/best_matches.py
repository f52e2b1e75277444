"""The stored images that match the face before the camera best, with their scores."""

from __future__ import annotations

import time

import ipywidgets
import numpy as np

from siamlab.errors import SiamlabError
from siamlab.gallery.captures import Captures
from siamlab.gallery.store import Gallery
from siamlab.images.decode import ImageFile
from siamlab.ui.html import image_row, score_text
from siamlab.ui.panels.thumbnails import image_address
from siamlab.verification.result import Verification

SHOWN = 3
EVERY = 0.5  # seconds


class BestMatches:
    """Shows the captured images behind the best templates.

    A template alone cannot be shown: it is no image. Nothing is shown of people without captured
    images, and of templates that were made of others.

    Args:
        gallery: holds the templates, which name their images.
        model_id: of the templates.
        captures: the images; ``None`` where there are none.
    """

    def __init__(self, gallery: Gallery, model_id: str, captures: Captures | None) -> None:
        self._gallery, self._model_id, self._captures = gallery, model_id, captures
        self._addresses: dict[str, str] = {}
        self._shown_at = 0.0
        self.widget = ipywidgets.HTML("")

    def show(self, verification: Verification | None) -> None:
        """Show those of a verdict; at most twice a second, since the images are read anew."""
        if self._captures is None:
            return
        if verification is None or not len(verification.scores):
            self.widget.value = ""
        elif time.monotonic() - self._shown_at >= EVERY:
            self._shown_at = time.monotonic()
            self.widget.value = self._html(verification)

    def clear(self) -> None:
        """Show nothing, and forget the images."""
        self._addresses.clear()
        self.widget.value = ""

    def _html(self, verification: Verification) -> str:
        try:
            images = self._images(verification)
            row = [self._figure(image, score_text(score)) for image, score in images]
        except SiamlabError:  # erased meanwhile
            return ""
        return f"<div>best matches among the stored images</div>{image_row(row)}" if row else ""

    def _figure(self, image: ImageFile, score: str) -> tuple[str, str, str]:
        if image.name not in self._addresses:
            self._addresses[image.name] = image_address(image)
        return self._addresses[image.name], f"stored image {image.stem}, score {score}", score

    def _images(self, verification: Verification) -> list[tuple[ImageFile, float]]:
        if self._captures is None or verification.person is None:
            return []
        sources = self._gallery.get(verification.person, self._model_id).sources
        known = {image.name: image for image in self._captures.images()}
        if len(sources) != len(verification.scores):  # enrolled again meanwhile
            return []
        best = np.argsort(-verification.scores)
        found = [(sources[place], float(verification.scores[place])) for place in best]
        return [(known[name], score) for name, score in found if name in known][:SHOWN]
