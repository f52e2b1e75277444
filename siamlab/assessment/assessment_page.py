"""An assessment as one page: tables and pictures in a single HTML file, readable on a phone.

No script, nothing from outside; every name is escaped. Pictures of conditions show a drawn
person, never one of the photographs that were measured.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from siamlab.assessment.bars import OPEN, Bar
from siamlab.assessment.by_condition import RATES, level_key
from siamlab.assessment.comparison import Comparison
from siamlab.assessment.measured import Measured, Values
from siamlab.assessment.perturbations import Perturbation, show_levels
from siamlab.plotting.assessment_plots import plot_condition, plot_drift
from siamlab.plotting.image_plots import plot_images
from siamlab.plotting.style import style
from siamlab.system.table import Table

if TYPE_CHECKING:
    from siamlab.assessment.dated_report import Assessment

TITLES = {
    "accuracy": "accuracy",
    "fmr": "FMR (others let in)",
    "fnmr": "FNMR (own people refused)",
    "no_face": "images without a face",
    "auc": "AUC",
    "eer": "equal error rate",
    "tar_at_far_0.1": "TAR at FAR 0.1",
    "tar_at_far_0.01": "TAR at FAR 0.01",
    "tar_at_far_0.001": "TAR at FAR 0.001",
}
OTHERS = (".accuracy", ".fmr", ".no_face")
MOST_DRAWN = 30  # people in the picture of drift
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


def render_page(
    assessment: Assessment, bars: Sequence[Bar] = (), comparison: Comparison | None = None
) -> str:
    """The whole page.

    Args:
        assessment: what was found.
        bars: what it had to reach.
        comparison: with an earlier assessment.
    """
    title = f"Assessment of {assessment.model['name']}, {assessment.date[:10]}"
    sections = (
        _head(assessment),
        _bars(bars, assessment.values),
        _whole(assessment),
        _compared(comparison),
        _conditions(assessment),
        _groups(assessment),
        _attacks(assessment),
        _drift(assessment),
    )
    body = "\n".join(part for section in sections for part in section)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _text(sentence: str, kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{escape(sentence)}</p>"


def _table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    return f'<div class="wide">{Table(rows, header)._repr_html_()}</div>'


def _chart(figure: Any, alt: str) -> str:
    """A chart inside the page; as SVG it stays sharp on a phone."""
    return _image(figure, alt, "svg+xml", format="svg", metadata={"Date": None, "Creator": None})


def _photograph(figure: Any, alt: str) -> str:
    """Faces inside the page; JPEG is a tenth of their size in an SVG."""
    return _image(figure, alt, "jpeg", format="jpg", dpi=120, pil_kwargs={"quality": 85})


def _image(figure: Any, alt: str, kind: str, **how: Any) -> str:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, **how)
    data = base64.b64encode(buffer.getvalue()).decode()
    source = f"data:image/{kind};base64,{data}"
    return f'<figure><img alt="{escape(alt, quote=True)}" src="{source}"></figure>'


def _head(found: Assessment) -> Iterator[str]:
    data, model = found.data, found.model
    yield _table(
        [
            ("date", found.date),
            ("model", f"{model['name']} ({model['arch']}), {str(model['id'])[:12]}"),
            ("people", f"{data['people']} ({data['domain']}), {data['images']} images"),
            ("pairs", f"{data['pairs']} ({data['genuine']} genuine, {data['impostor']} impostor)"),
            ("faces found by", str(data["detector"])),
            ("threshold", f"{found.threshold:.4f} ({found.operating_point})"),
            ("siamlab", found.version),
            ("measured on", f"{found.machine}, {found.seconds:.0f} s"),
        ]
    )
    yield from map(_text, found.notes)


def _bars(bars: Sequence[Bar], values: Values) -> Iterator[str]:
    if not bars:
        return
    yield "<h2>Bars</h2>"
    broken = [line for bar in bars if (line := bar.broken(values))]
    if broken:
        yield _text(f"{len(broken)} of {len(bars)} bars are broken.", "bad")
    else:
        yield _text(f"All {len(bars)} bars are kept.", "good")
    rows = [
        (bar.name, str(bar), str(values.get(bar.name, Measured(None))),
         "BROKEN" if bar.broken(values) else "kept")
        for bar in bars
    ]  # fmt: skip
    yield _table(rows, ("value", "asked for", "found", ""))


def _whole(found: Assessment) -> Iterator[str]:
    yield "<h2>The pairs as they are</h2>"
    yield _text(
        "At the threshold above. In brackets is the 95 % interval, people resampled. A pair that "
        "could not be judged counts as no."
    )
    rows = [
        (title, str(found.values[name]), _count(found.values[name]))
        for name, title in TITLES.items()
        if name in found.values
    ]
    yield _table(rows, ("", "value", "of"))


def _count(one: Measured) -> str:
    return "" if one.count is None else f"{one.count:,}"


def _compared(comparison: Comparison | None) -> Iterator[str]:
    if comparison is None:
        return
    yield f"<h2>Since {escape(comparison.date[:10])}</h2>"
    yield from map(_text, comparison.notes)
    apart = comparison.apart
    yield _text(
        f"The intervals of {len(apart)} of {len(comparison.changes)} values do not overlap; where "
        "nothing changed, about 1 in 200 would not. All values are in the JSON file; here are "
        "those of the pairs as they are, the FNMR of each condition, and what changed."
    )
    rows = [
        (one.name, str(one.before), str(one.now), _signed(one.difference), one.word)
        for one in comparison.changes
        if _is_headline(one.name) or one in apart
    ]
    yield _table(rows, ("value", "then", "now", "difference", ""))


def _is_headline(name: str) -> bool:
    """Whether a value is no level of a condition, and of a whole condition the FNMR."""
    return name.startswith(OPEN) or not ("@" in name or name.endswith(OTHERS))


def _signed(difference: float | None) -> str:
    return "" if difference is None else f"{difference:+.3f}"


def _conditions(found: Assessment) -> Iterator[str]:
    if not found.conditions:
        return
    yield "<h2>Hard conditions</h2>"
    which = "The second photograph of each pair was" if found.data["side"] == "second" else (
        "Both photographs of each pair were"
    )  # fmt: skip
    yield _text(
        f"{which} changed in a controlled way, and the face looked for again. The pictures beside "
        "show a drawn person. Turning a photograph is milder than turning a head."
    )
    for one in found.conditions:
        yield f"<h3>{escape(one.title)}</h3>"
        yield '<div class="cards">'
        yield _chart(plot_condition(one, found.values), _condition_alt(one, found.values))
        names = [one.title.lower() + ", " + one.label(level) for level in one.levels]
        titles = ["as it is", *(one.label(level) for level in one.levels)]
        yield _photograph(
            plot_images(show_levels(one), titles, columns=2),
            f"A drawn person as it is, and {'; '.join(names)}.",
        )
        yield "</div>"
        yield _table(_condition_rows(one, found.values), ("", *(TITLES[name] for name in RATES)))


def _condition_rows(one: Perturbation, values: Values) -> list[tuple[str, ...]]:
    rows = [
        ("as it is", ""),
        *((one.label(level), level_key(one.name, level)) for level in one.levels),
    ]
    rows.append(("all levels", level_key(one.name)))
    return [(label, *(str(values[f"{key}{rate}"]) for rate in RATES)) for label, key in rows]


def _condition_alt(one: Perturbation, values: Values) -> str:
    """The picture in words: what the FNMR does."""
    steps = ", ".join(
        f"{_short(values[level_key(one.name, level) + 'fnmr'])} at {one.label(level)}"
        for level in one.levels
    )
    return f"{one.title}: the FNMR is {_short(values['fnmr'])} as it is, {steps}."


def _short(one: Measured) -> str:
    return "not measured" if one.value is None else f"{one.value:.2f}"


def _groups(found: Assessment) -> Iterator[str]:
    yield "<h2>Groups of people</h2>"
    if not found.groups:
        yield _text("No labels of groups were given, so it is not known whom the errors meet.")
        return
    yield _text("False matches are those between two people of one group.")
    rows = []
    for name, people in found.groups.items():
        fnmr, fmr = (found.values[f"group.{name}.{rate}"] for rate in ("fnmr", "fmr"))
        rows.append((name, str(people), str(fnmr), _count(fnmr), str(fmr), _count(fmr)))
    yield _table(rows, ("group", "people", TITLES["fnmr"], "of", TITLES["fmr"], "of"))


def _attacks(found: Assessment) -> Iterator[str]:
    yield "<h2>Attacks</h2>"
    if not found.attacks:
        yield _text("No attacks were tried in this assessment.")
        return
    values = [found.values[f"attack.{name}"] for name in found.attacks]
    rows = [
        (title, str(one), _count(one))
        for title, one in zip(found.attacks.values(), values, strict=True)
    ]
    yield _table(rows, ("attack", "succeeded", "tries"))


def _drift(found: Assessment) -> Iterator[str]:
    yield "<h2>Scores since enrollment</h2>"
    drift = found.drift
    if drift is None:
        yield _text("No records of enrolled people were given.")
        return
    yield from map(_text, drift.notes())
    if not drift.people:
        yield _text("Nobody has enough records to tell a trend.")
        return
    falling = drift.falling
    if falling:
        yield _text(
            f"{len(falling)} of {len(drift.people)} people fall toward the threshold: take new "
            "photographs of them.", "bad",
        )  # fmt: skip
    else:
        yield _text(f"None of {len(drift.people)} people falls toward the threshold.", "good")
    drawn = drift.people[:MOST_DRAWN]
    names = ", ".join(one.person for one in falling) or "nobody"
    yield _chart(plot_drift(drawn), f"Slopes of {len(drawn)} people's scores; falling: {names}.")
    rows = [
        (
            one.person, str(one.records), f"{one.days:.0f}", f"{one.margin:+.2f}",
            f"{one.slope:+.3f}" + (f" ({one.interval})" if one.interval else ""),
            "" if one.days_left is None else f"{one.days_left:.0f}",
            "falls" if one.falling else "",
        )
        for one in drawn
    ]  # fmt: skip
    yield _table(rows, ("person", "tries", "days", "log-odds left", "in 30 days", "days left", ""))
