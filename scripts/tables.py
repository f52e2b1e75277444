"""Write the measured numbers into the pages: python scripts/tables.py

Each block between ``<!-- table NAME -->`` and ``<!-- end table -->`` is made from the JSON file
that a benchmark wrote, so that no number in a table is typed by hand. ``tests/test_readme.py``
fails when a page and the files differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from siamlab.system.table import Table

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
CARD = ROOT / "siamlab" / "models" / "weights" / "card.json"
PAGES = ("README.md", "docs/results.md", "siamlab/models/weights/README.md")
_BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end table -->)", re.S)
Row = tuple[str, ...]
FUSED = {("none", "none"), ("mean_template", "none"), ("none", "mean"), ("mean_template", "mean")}


def read(name: str) -> dict[str, Any]:
    """What a benchmark wrote."""
    return dict(json.loads((BENCHMARKS / f"{name}.json").read_text()))


def card() -> dict[str, Any]:
    """What was measured of the weights in the package."""
    return dict(json.loads(CARD.read_text()))


def markdown(header: Row, rows: list[Row]) -> str:
    """A table; columns after the first are right-aligned."""
    return Table(rows, header, "<>").to_markdown() + "\n"


def rate(value: float, low: float, high: float) -> str:
    """A rate with its interval."""
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def gain(ends: list[float] | None) -> str:
    """The interval of a gain; a dash where there is nothing to compare with."""
    return "-" if ends is None else "{:+.3f} to {:+.3f}".format(*ends[:2])


def tested(result: dict[str, Any], name: str) -> str:
    """A rate of an evaluation with its interval."""
    value = result["tar_at_far"][name[11:]] if name.startswith("tar_at") else result[name]
    interval = result["intervals"].get(name)
    return f"{value:.3f}" if interval is None else rate(value, *interval)


def peers() -> str:
    """The packaged weights and other methods, on people that no method was trained on."""
    found = read("oneshot")
    koch_runs = {run["variant"]: run for run in read("koch")["runs"]}

    def classic(method: str, title: str) -> Row:
        trial = next(one for one in found["faces"]["methods"][method] if one["ways"] == 5)
        pairs = found["pairs"][method]
        ways = rate(trial["accuracy"], *trial["by_class"])
        return title, ways, tested(pairs, "auc"), tested(pairs, "accuracy")

    def trained(variant: str, title: str) -> Row:
        run = koch_runs[variant]
        names = ("auc", "accuracy")
        cells = (rate(run[one], run[f"{one}_low"], run[f"{one}_high"]) for one in names)
        return title, "not measured", *cells

    rows = [
        classic("network", "`pretrained`"),
        trained("recipe", "Koch's network, siamlab's recipe"),
        trained("report", "Koch's network, the classic recipe"),
        *(
            classic(one, one)
            for one in ("local binary patterns", "eigenfaces", "HOG", "raw pixels")
        ),
    ]
    return markdown(("method", "5-way one-shot", "AUC", "accuracy"), rows)


def weights() -> str:
    """The packaged weights on people not trained on, and their first network alone."""
    found = card()
    test, one = found["test"], read("one_network")
    columns = (one["test"], one["exchanged"], test, found["exchanged"])
    names = {
        "accuracy": "accuracy",
        "auc": "AUC",
        "eer": "EER",
        "precision": "precision",
        "recall": "recall",
        "tar_at_far_0.1": "true matches at FMR 0.1",
        "tar_at_far_0.01": "true matches at FMR 0.01",
    }
    rows: list[Row] = [
        (title, *(tested(one, name) for one in columns)) for name, title in names.items()
    ]
    rows.append(
        ("expected calibration error", *(f"{one['calibration_error']:.3f}" for one in columns))
    )
    header = (
        f"{test['pairs']} pairs of people not trained on (95 % intervals)",
        f"one network, {one['minutes']:.0f} minutes: test people",
        "exchanged",
        f"`pretrained`, two, {found['minutes']:.0f} minutes: test people",
        "exchanged",
    )
    return markdown(header, rows)


def ensemble() -> str:
    """What each part of the packaged ensemble adds, and of the one with a single network."""
    titles = {
        "model1": "network",
        "model2": "wider network",
        "hog_lda": "HOG",
        "cohort": "cohort",
    }
    rows: list[Row] = []
    for model, found in read("ensemble").items():
        for one in found["rows"]:
            title = " + ".join(titles[model] for model in one["models"])
            part = "`pretrained`" if model == "two" else "one network"
            auc = rate(one["auc"], *one["interval"])
            chosen_on = f"{one['validation_auc']:.3f}"
            rows.append((part, title, auc, gain(one["gain_of_all"]), chosen_on))
    header = ("model", "parts", "AUC", "gain of the whole, 95 %", "AUC, validation people")
    return markdown(header, rows)


def thresholds() -> str:
    """Thresholds stored with the weights, and what they cost."""
    found = card()["calibration"]
    rows = []
    for name, threshold in found["thresholds"].items():
        ends = [found["intervals"][f"{what}_{name}"] for what in ("threshold", "fnmr")]
        values = (threshold, found["fnmrs"][name])
        rows.append((name, *(rate(v, *e) for v, e in zip(values, ends, strict=True))))
    return markdown(("target FMR", "threshold", "FNMR"), rows)


def quality() -> str:
    """Accuracy by image quality."""
    rows = [
        (
            f"{group['measure']}, {group['group']}",
            str(group["pairs"]),
            rate(group["accuracy"], group["low"], group["high"]),
            "-" if group["auc"] is None else f"{group['auc']:.3f}",
        )
        for group in card()["quality"]
    ]
    return markdown(("worse image of the pair", "pairs", "accuracy", "AUC"), rows)


def koch() -> str:
    """What each part of the recipe for Koch's network adds."""
    rows = [
        (
            run["what"],
            rate(run["accuracy"], run["accuracy_low"], run["accuracy_high"]),
            rate(run["auc"], run["auc_low"], run["auc_high"]),
        )
        for run in read("koch")["runs"]
    ]
    full = read("koch_full")
    title = f"recipe, all of Koch's channels, {full['minutes']:.0f} minutes on one core"
    rows.append((title, tested(full["test"], "accuracy"), tested(full["test"], "auc")))
    return markdown(("Koch's network, trained with", "accuracy", "AUC"), rows)


def losses() -> str:
    """Losses at equal steps."""
    from siamlab.study.objectives import OBJECTIVES

    titles = {one.name: " ".join(one.title.split()) for one in OBJECTIVES}
    rows = [
        (
            titles[run["loss"]],
            rate(run["auc"], run["auc_low"], run["auc_high"]),
            rate(run["accuracy"], run["accuracy_low"], run["accuracy_high"]),
        )
        for run in read("study")["losses"]
    ]
    return markdown(("loss, equal steps", "AUC", "accuracy"), rows)


def oneshot() -> str:
    """N-way one-shot accuracy, and the AUC of the same methods on pairs."""
    found = read("oneshot")
    names = {"network": "`pretrained`", "compact": "`compact`, trained on the other set"}
    rows: list[Row] = []
    for part, title in (("faces", "LFW"), ("omniglot", "Omniglot")):
        for method, results in found[part]["methods"].items():
            by_ways = {str(one["ways"]): one for one in results}
            cells = [
                rate(by_ways[ways]["accuracy"], *_bounds(by_ways[ways])) for ways in ("5", "20")
            ]
            pairs = found["pairs"].get(method) if part == "faces" else None
            auc = "-" if pairs is None else rate(pairs["auc"], *pairs["intervals"]["auc"])
            rows.append((f"{title}: {names.get(method, method.replace('_', ' '))}", *cells, auc))
    return markdown(("one image of each", "5-way", "20-way", "AUC on pairs"), rows)


def _bounds(result: dict[str, Any]) -> tuple[float, float]:
    """The wider of the intervals over people (or characters) and over alphabets."""
    found = [result[name] for name in ("by_class", "by_group") if result[name] is not None]
    low, high = max(found, key=lambda ends: ends[1] - ends[0])
    return low, high


def fusion() -> str:
    """Several enrolled images and several frames, fused by their mean."""
    found = read("fusion")
    rows: list[Row] = []
    for part, what in (("photographs", "different photographs"), ("one_second", "of one second")):
        for one in found[part]:
            alone = one["frames"] == 1
            rules = one["templates_rule"], one["frames_rule"]
            if rules not in FUSED or (alone and part == "one_second"):
                continue
            frames = "one" if alone else f"{one['frames']} {what}"
            eer = rate(one["eer"], *one["eer_interval"])
            rows.append((str(one["enroll"]), frames, eer, gain(one["gain"])))
    return markdown(("images enrolled", "frames judged", "EER", "gain, 95 %"), rows)


def speed() -> str:
    """Speeds; both sides of a ratio are from one run."""
    bench, start, gallery = read("results"), read("start"), read("gallery")
    exact, vector = gallery["exact"], gallery["vector"]
    live = ("compact", "pretrained", "koch")
    rows: list[Row] = [
        (
            f"verify, Koch: one `predict` for each of {bench['stored']} stored images "
            f"({bench['report_seconds']:.1f} s) against `Verifier` "
            f"({1000 * bench['verifier_seconds']:.0f} ms)",
            f"{bench['verification_ratio']:.0f} times faster, scores equal to "
            f"{bench['largest_difference']:.0e}",
        ),
        (
            f"verify, `compact` with one network, one core, {bench['stored']} templates",
            f"{bench['one_core_ms']['compact']:.1f} ms",
        ),
        (
            f"verify, `pretrained`, two networks, one core, {bench['stored']} templates",
            f"{bench['one_core_ms']['pretrained']:.1f} ms",
        ),
    ]
    for name, title in (("koch", "Koch"), ("compact", "`compact`")):
        pairs = bench["pairs"][name]
        rows.append(
            (
                f"train, {title}: pairs compared per second, the report's loop "
                f"({pairs['report_pairs_per_second']:.0f}) against all pairs of a batch "
                f"({pairs['pairs_per_second']:.0f})",
                f"{pairs['ratio']:.0f} times as many",
            )
        )
    rows += [
        (
            "train: share of the machine's matrix-multiplication speed, Koch, `compact`",
            f"{bench['pairs']['koch']['share']:.0%}, {bench['pairs']['compact']['share']:.0%}",
        ),
        (
            "train, `compact`: step that reads and augments files, against a batch kept in memory",
            f"{bench['input']['compact']['ratio'] - 1:+.1%}",
        ),
        (
            "live, 640x480, Haar detection included: `compact`, `pretrained`, Koch",
            ", ".join(f"{bench['live'][name]['fps']:.0f}" for name in live) + " frames/s",
        ),
        (
            f"cold start: `siamlab verify` from the shell, through Keras "
            f"({start['keras_seconds']:.1f} s) against the exported copy",
            f"{start['copy_seconds']:.1f} s, {start['ratio']:.0f} times faster",
        ),
        (
            f"gallery: one probe against {exact['templates']:,} templates, exact search",
            f"{exact['search_ms']:.0f} ms, opened in {exact['open_seconds']:.2f} s",
        ),
        (
            f"gallery: {vector['templates']:,} templates, vector index, recall@1 "
            f"{vector['recall_at_1']:.3f}",
            f"{vector['search_ms']:.1f} ms, {vector['times_faster']:.0f} times faster than exact",
        ),
    ]
    return markdown(("what", "measured"), rows)


MADE = (peers, weights, ensemble, thresholds, quality, koch, losses, oneshot, fusion, speed)
TABLES: dict[str, Callable[[], str]] = {table.__name__: table for table in MADE}


def render(text: str) -> str:
    """The page with its tables made again."""
    return _BLOCK.sub(lambda block: block[1] + TABLES[block[2]]() + block[3], text)


def main() -> None:
    """Write the tables into the pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(render(path.read_text()))
        print(f"{page}: {len(_BLOCK.findall(path.read_text()))} tables")


if __name__ == "__main__":
    main()
