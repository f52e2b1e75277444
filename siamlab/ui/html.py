"""What a page shows: frames as JPEG, verdicts, hints and scores as HTML.

Colored words stand in white on their color, never in their color on the page: pages are light or
dark. Pictures made of HTML have a text alternative.
"""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from siamlab.system.opencv import import_cv2
from siamlab.verification.result import VERDICT_COLORS, Verification, badge

WIDTH = 480
HINT_COLOR = (138, 72, 0)  # amber, dark enough for white words


def encode_jpeg(frame: np.ndarray, width: int = WIDTH) -> bytes:
    """Encode a frame for the page, no wider than ``width`` pixels.

    Args:
        frame: uint8 RGB ``(H, W, 3)``.
        width: larger frames are made smaller.
    """
    cv2 = import_cv2()
    if frame.shape[1] > width:
        height = max(1, round(frame.shape[0] * width / frame.shape[1]))
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def score_text(score: float) -> str:
    """A score with two digits of its distance from 0 or 1: scores crowd there.

    Example:
        >>> [score_text(score) for score in (0.5, 0.8, 0.95, 0.99987, 1.0)]
        ['0.50', '0.80', '0.950', '0.99987', '1.00']
    """
    near = min(score, 1 - score)
    decimals = math.ceil(-math.log10(near)) + 1 if near > 0 else 2
    return f"{score:.{min(6, max(2, decimals))}f}"


def large_text(text: str, color: tuple[int, int, int] | None = None) -> str:
    """HTML of words that can be read at arm's length; an empty line without words.

    Args:
        text: plain text.
        color: RGB behind the words; ``None`` for the page's own.
    """
    words = "&nbsp;" if not text else html.escape(text) if color is None else badge(text, color)
    return f"<div style='font-size:26px;line-height:1.5;font-weight:600'>{words}</div>"


def progress_bar(done: int, wanted: int) -> str:
    """HTML of a bar and the words "12 of 20 images"."""
    words = f"{done} of {wanted} images"
    return (
        f"<progress value='{done}' max='{wanted}' aria-label='{words}' "
        f"style='width:240px;height:16px;vertical-align:middle'></progress> {words}"
    )


def data_address(kind: str, content: bytes) -> str:
    """An image as a ``data:`` address; ``kind`` is ``png`` or ``jpeg``."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def figure_html(figure: Any) -> str:
    """HTML of a figure with its ``alt`` text; ipywidgets' own images have none.

    Args:
        figure: a :class:`siamlab.plotting.Picture`.
    """
    source = data_address("png", figure.to_png())
    alt = html.escape(figure.alt, quote=True)
    return f"<img alt='{alt}' style='max-width:100%' src='{source}'>"


def score_bar(verification: Verification | None) -> str:
    """HTML of a bar from 0 to 1 with the score and a mark at the detection threshold."""
    score, mark, color, text = 0.0, "", VERDICT_COLORS[None], "no score"
    if verification is not None and verification.probability is not None:
        score, threshold = verification.probability, verification.detection_threshold
        color = VERDICT_COLORS[verification.verified]
        mark = (
            f"<div style='position:absolute;left:calc({threshold:.1%} - 3px);top:0;width:3px;"
            "height:100%;background:#000'></div>"
        )
        text = (
            f"score {score_text(score)}, threshold {score_text(threshold)}; "
            f"{verification.positive} of {len(verification.scores)} templates match"
        )
    return (
        f"<div role='img' aria-label='{html.escape(text)}' style='position:relative;"
        f"max-width:{WIDTH}px;height:14px;background:#ddd'>"
        f"<div style='width:{score:.1%};height:100%;background:rgb{color}'></div>{mark}</div>"
        f"<div>{html.escape(text)}</div>"
    )


def verdict_html(verification: Verification | None) -> str:
    """HTML of the verdict alone, in large words on its color."""
    if verification is None:
        return large_text("no verdict yet", VERDICT_COLORS[None])
    who = "" if verification.verified is None else f"{verification.person} "
    return large_text(who + verification.verdict, VERDICT_COLORS[verification.verified])


def image_row(images: Sequence[tuple[str, str, str]]) -> str:
    """HTML of small images side by side.

    Args:
        images: of each its address (``data:``), its text alternative and the words below it.
    """
    figures = "".join(
        "<figure style='margin:0 8px 0 0;display:inline-block;text-align:center'>"
        f"<img src='{source}' alt='{html.escape(text, quote=True)}' width='88'>"
        f"<figcaption>{html.escape(below)}</figcaption></figure>"
        for source, text, below in images
    )
    return f"<div>{figures}</div>"
