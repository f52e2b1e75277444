"""An assessment as one page: tables and pictures in a single HTML file, readable on a phone.

No script, nothing from outside; every name is escaped. Pictures of conditions show a drawn
person, never one of the photographs that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from siamlab.assessment.bars import Bar
from siamlab.assessment.by_condition import RATES, level_key
from siamlab.assessment.comparison import APART, Comparison
from siamlab.assessment.measured import Measured, Values
from siamlab.assessment.page_parts import chart, frame, photograph, table, text
from siamlab.assessment.perturbations import Perturbation, show_levels
from siamlab.plotting.assessment_plots import plot_condition, plot_drift
from siamlab.plotting.image_plots import plot_images

if TYPE_CHECKING:
    from siamlab.assessment.dated_report import Assessment

TITLES = {
    "accuracy": "accuracy",
    "fmr": "FMR (others let in)",
    "fnmr": "FNMR (own people refused)",
    "no_face": "images without a usable face",
    "auc": "AUC",
    "eer": "equal error rate",
    "tar_at_far_0.1": "TAR at FAR 0.1",
    "tar_at_far_0.01": "TAR at FAR 0.01",
    "tar_at_far_0.001": "TAR at FAR 0.001",
}
MOST_DRAWN = 30  # people in the picture of drift


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
    return frame(title, (part for section in sections for part in section))


def _head(found: Assessment) -> Iterator[str]:
    data, model = found.data, found.model
    yield table(
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
    yield from map(text, found.notes)


def _bars(bars: Sequence[Bar], values: Values) -> Iterator[str]:
    if not bars:
        return
    yield "<h2>Bars</h2>"
    broken = [line for bar in bars if (line := bar.broken(values))]
    if broken:
        yield text(f"{len(broken)} of {len(bars)} bars are broken.", "bad")
    else:
        yield text(f"All {len(bars)} bars are kept.", "good")
    rows = [
        (bar.name, str(bar), str(values.get(bar.name, Measured(None))),
         "BROKEN" if bar.broken(values) else "kept")
        for bar in bars
    ]  # fmt: skip
    yield table(rows, ("value", "asked for", "found", ""))


def _whole(found: Assessment) -> Iterator[str]:
    yield "<h2>The pairs as they are</h2>"
    yield text(
        "At the threshold above. In brackets is the 95 % interval, people resampled. A pair that "
        "could not be judged counts as no."
    )
    rows = [
        (title, str(found.values[name]), _count(found.values[name]))
        for name, title in TITLES.items()
        if name in found.values
    ]
    yield table(rows, ("", "value", "of"))


def _count(one: Measured) -> str:
    return "" if one.count is None else f"{one.count:,}"


def _compared(comparison: Comparison | None) -> Iterator[str]:
    if comparison is None:
        return
    yield f"<h2>Since {escape(comparison.date[:10])}</h2>"
    yield from map(text, comparison.notes)
    yield text(
        f"{comparison.summary()} All values are in the JSON file; here are those of the pairs as "
        "they are, the FNMR of each condition, and what changed."
    )
    rows = [
        (one.name, str(one.before), str(one.now), _signed(one.difference), one.word)
        for one in comparison.changes
        if one.headline or one.word == APART
    ]
    yield table(rows, ("value", "then", "now", "difference", ""))


def _signed(difference: float | None) -> str:
    return "" if difference is None else f"{difference:+.3f}"


def _conditions(found: Assessment) -> Iterator[str]:
    if not found.conditions:
        return
    yield "<h2>Hard conditions</h2>"
    which = "The second photograph of each pair was" if found.data["side"] == "second" else (
        "Both photographs of each pair were"
    )  # fmt: skip
    yield text(
        f"{which} changed in a controlled way, and the face looked for again. The pictures beside "
        "show a drawn person. Turning a photograph is milder than turning a head."
    )
    for one in found.conditions:
        yield f"<h3>{escape(one.title)}</h3>"
        yield '<div class="cards">'
        yield chart(plot_condition(one, found.values), _condition_alt(one, found.values))
        names = [one.title.lower() + ", " + one.label(level) for level in one.levels]
        titles = ["as it is", *(one.label(level) for level in one.levels)]
        yield photograph(
            plot_images(show_levels(one), titles, columns=2),
            f"A drawn person as it is, and {'; '.join(names)}.",
        )
        yield "</div>"
        yield table(_condition_rows(one, found.values), ("", *(TITLES[name] for name in RATES)))


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
        yield text("No labels of groups were given, so it is not known whom the errors meet.")
        return
    yield text("False matches are those between two people of one group.")
    rows = []
    for name, people in found.groups.items():
        fnmr, fmr = (found.values[f"group.{name}.{rate}"] for rate in ("fnmr", "fmr"))
        rows.append((name, str(people), str(fnmr), _count(fnmr), str(fmr), _count(fmr)))
    yield table(rows, ("group", "people", TITLES["fnmr"], "of", TITLES["fmr"], "of"))


def _attacks(found: Assessment) -> Iterator[str]:
    yield "<h2>Attacks</h2>"
    if not found.attacks:
        yield text("No attacks were tried in this assessment.")
        return
    values = [found.values[f"attack.{name}"] for name in found.attacks]
    rows = [
        (title, str(one), _count(one))
        for title, one in zip(found.attacks.values(), values, strict=True)
    ]
    yield table(rows, ("attack", "succeeded", "tries"))


def _drift(found: Assessment) -> Iterator[str]:
    yield "<h2>Scores since enrollment</h2>"
    drift = found.drift
    if drift is None:
        yield text("No records of enrolled people were given.")
        return
    yield from map(text, drift.notes())
    if not drift.people:
        yield text("Nobody has enough records to tell a trend.")
        return
    falling = drift.falling
    if falling:
        yield text(
            f"{len(falling)} of {len(drift.people)} people fall toward the threshold: take new "
            "photographs of them.", "bad",
        )  # fmt: skip
    else:
        yield text(f"None of {len(drift.people)} people falls toward the threshold.", "good")
    drawn = drift.people[:MOST_DRAWN]
    names = ", ".join(one.person for one in falling) or "nobody"
    yield chart(plot_drift(drawn), f"Slopes of {len(drawn)} people's scores; falling: {names}.")
    rows = [
        (
            one.person, str(one.records), f"{one.days:.0f}", f"{one.margin:+.2f}",
            f"{one.slope:+.3f}" + (f" ({one.interval})" if one.interval else ""),
            "" if one.days_left is None else f"{one.days_left:.0f}",
            "falls" if one.falling else "",
        )
        for one in drawn
    ]  # fmt: skip
    yield table(rows, ("person", "tries", "days", "log-odds left", "in 30 days", "days left", ""))
