"""Pieces of a page that is one file: its frame, paragraphs, tables and pictures.

No script, nothing from outside; every text is escaped. It reads on a phone: pictures shrink, and
tables wrap.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from siamlab.plotting.style import style
from siamlab.system.table import Table

STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem;color:#1b1b1b}
h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
@media(min-width:50rem){th,td{white-space:nowrap}}
thead th{border-bottom:2px solid #888}
.cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))}
figure{margin:0}img{width:100%;max-width:26rem;height:auto}
.good{border-left:.4rem solid #009e73;padding-left:.8rem}
.bad{border-left:.4rem solid #d55e00;padding-left:.8rem}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def frame(title: str, parts: Iterable[str]) -> str:
    """The whole page around its parts, which are HTML."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def text(sentence: str, kind: str = "") -> str:
    """A paragraph; ``good`` and ``bad`` are marked at the side."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{escape(sentence)}</p>"


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """A table that is scrolled by itself where it is wider than the page."""
    return f'<div class="wide">{Table(rows, header)._repr_html_()}</div>'


def chart(figure: Any, alt: str) -> str:
    """A chart inside the page; as SVG it stays sharp on a phone."""
    return _image(figure, alt, "svg+xml", format="svg", metadata={"Date": None, "Creator": None})


def photograph(figure: Any, alt: str) -> str:
    """Faces inside the page; JPEG is a tenth of their size in an SVG."""
    return _image(figure, alt, "jpeg", format="jpg", dpi=120, pil_kwargs={"quality": 85})


def _image(figure: Any, alt: str, kind: str, **how: Any) -> str:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, **how)
    data = base64.b64encode(buffer.getvalue()).decode()
    source = f"data:image/{kind};base64,{data}"
    return f'<figure><img alt="{escape(alt, quote=True)}" src="{source}"></figure>'
