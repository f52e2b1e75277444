"""What a page shows: frames as JPEG, verdicts and scores as HTML."""

from __future__ import annotations

import base64
import html
from typing import Any

import numpy as np

from siamlab.system.opencv import import_cv2
from siamlab.verification.result import VERDICT_COLORS, Verification

WIDTH = 480


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


def figure_html(figure: Any) -> str:
    """HTML of a figure with its ``alt`` text; ipywidgets' own images have none.

    Args:
        figure: a :class:`siamlab.plotting.Picture`.
    """
    data = base64.b64encode(figure.to_png()).decode()
    alt = html.escape(figure.alt, quote=True)
    return f"<img alt='{alt}' style='max-width:100%' src='data:image/png;base64,{data}'>"


def score_bar(verification: Verification | None) -> str:
    """HTML of a bar from 0 to 1 with the score and a mark at the detection threshold."""
    score, mark, color, text = 0.0, "", VERDICT_COLORS[None], "no score"
    if verification is not None and verification.probability is not None:
        score, threshold = verification.probability, verification.detection_threshold
        color = VERDICT_COLORS[verification.verified]
        mark = (
            f"<div style='position:absolute;left:{threshold:.1%};top:0;width:2px;height:100%;"
            "background:#000'></div>"
        )
        text = (
            f"score {score:.2f}, threshold {threshold:.2f}; "
            f"{verification.positive} of {len(verification.scores)} templates match"
        )
    return (
        f"<div style='position:relative;width:{WIDTH}px;height:14px;background:#ddd'>"
        f"<div style='width:{score:.1%};height:100%;background:rgb{color}'></div>{mark}</div>"
        f"<div>{html.escape(text)}</div>"
    )


def verdict_html(verification: Verification | None) -> str:
    """HTML of the verdict, as text in its color."""
    if verification is None:
        return "<b>no verdict yet</b>"
    text = html.escape(str(verification))
    return f"<b style='color:rgb{VERDICT_COLORS[verification.verified]}'>{text}</b>"
