"""The captured images, newest first, each with a button that removes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from siamlab.images.decode import ImageFile, read_image
from siamlab.ui.html import data_address, encode_jpeg, image_row

SHOWN = 20
PIXELS = 88


def image_address(image: ImageFile) -> str:
    """A small version of an image file as a ``data:`` address."""
    return data_address("jpeg", encode_jpeg(read_image(image), PIXELS))


class Thumbnails:
    """Small images with remove buttons.

    Args:
        remove: called with the image whose button was clicked.

    Attributes:
        box: the widget.
    """

    def __init__(self, remove: Callable[[ImageFile], None]) -> None:
        self._remove = remove
        self._cells: dict[ImageFile, Any] = {}
        layout = ipywidgets.Layout(flex_flow="row wrap", max_width="960px")
        self.box = ipywidgets.HBox([], layout=layout)

    def show(self, images: Sequence[ImageFile]) -> None:
        """Show the last of these images, the newest first.

        Args:
            images: all there are, the oldest first.
        """
        latest = list(images)[: -SHOWN - 1 : -1]
        if list(self._cells) != latest:
            self._cells = {image: self._cells.get(image) or self._cell(image) for image in latest}
            self.box.children = list(self._cells.values())

    def _cell(self, image: ImageFile) -> Any:
        words = image.stem.rsplit("_", 1)[0].replace("_", " ")  # anchor 0001
        picture = ipywidgets.HTML(image_row([(image_address(image), words, words)]))
        layout = ipywidgets.Layout(width="auto")
        button = ipywidgets.Button(description="Remove", tooltip=f"Remove {words}", layout=layout)
        button.on_click(lambda _: self._remove(image))
        return ipywidgets.VBox([picture, button])
