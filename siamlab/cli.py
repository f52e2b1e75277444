"""The command line: ``siamlab run``, ``lab``, ``fetch``, ``train``, ``evaluate`` and the rest.

Comes in: arguments. Goes out: files and printed tables. Exit status 0 when done, 1 for a
verification that says no, 2 for bad usage or bad input with one line on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from siamlab import __version__
from siamlab.errors import InputError, SiamlabError

if TYPE_CHECKING:
    from siamlab.models import Siamese
    from siamlab.runtime import ExportedModel
    from siamlab.verification import Verifier

DONE, NOT_VERIFIED, BAD_INPUT = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors are one line, as all other errors are."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    return parse


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _model_name(text: str) -> str:
    if not text.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"a model's file name ends in .keras, not {text}")
    return text


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; every command has its function in ``run``."""
    parser = _Parser(
        prog="siamlab",
        description="One-shot face verification with a Siamese network, in seven notebooks.",
        epilog="Begin with: siamlab lab (notebook 01 in JupyterLab), or siamlab run (all of it, "
        "without a browser or a camera).",
    )
    parser.add_argument("--version", action="version", version=f"siamlab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> Any:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command("run", "run the seven notebooks without a browser and print the results", _run)
    sub.add_argument("--profile", choices=("quick", "full"), help="sizes (default: quick)")
    sub.add_argument("--lfw", type=Path, metavar="PATH", help="LFW as an archive or a folder")
    sub.add_argument(
        "--subject", metavar="PERSON", help="a person of --lfw who plays the user at the camera"
    )
    sub.add_argument(
        "--model", type=Path, metavar="MODEL", help="skip training compact: take this model"
    )
    sub.add_argument("--out", type=Path, default=Path("out"), help="results go here (default: out)")

    command("lab", "open JupyterLab on notebook 01", _lab)

    sub = command("fetch", "download a data set, or take a local copy of it", _fetch)
    sub.add_argument("dataset", choices=("lfw", "omniglot"))
    sub.add_argument("--from", dest="source", metavar="PATH", help="a local archive or folder")

    sub = command("train", "train a model on a folder of people", _train)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument("--arch", choices=("koch", "compact"), default="compact")
    sub.add_argument(
        "--recipe",
        choices=("people", "report"),
        default="people",
        help="all pairs of a batch (default), or the report's pairs and cross-entropy (koch)",
    )
    length = sub.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive(float), metavar="M", help="time for all of it")
    length.add_argument("--epochs", type=_positive(int), metavar="N", help="passes over the images")
    sub.add_argument("--seed", type=int, default=0, metavar="S")
    sub.add_argument("--size", type=_positive(int), metavar="PIXELS", help="side of the input")
    sub.add_argument("--width", type=_positive(float), default=1.0, help="multiple of channels")
    sub.add_argument("--out", type=_model_name, required=True, metavar="MODEL.keras")

    sub = command("evaluate", "measure a model on a file of pairs", _evaluate)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument("--pairs", type=Path, required=True, metavar="FILE", help="LFW's format")
    choice = sub.add_mutually_exclusive_group()
    choice.add_argument(
        "--calibrate", type=Path, metavar="FILE", help="pairs of other people choose the threshold"
    )
    choice.add_argument("--threshold", type=_share, metavar="T", help="between 0 and 1")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")

    sub = command("calibrate", "set a model's threshold on people of your own", _calibrate)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--images", type=Path, required=True, metavar="DIR", help=_IMAGES)
    sub.add_argument(
        "--fmr", type=_share, default=0.01, help="share of impostors let in (default: 0.01)"
    )
    sub.add_argument(
        "--lfw",
        type=Path,
        metavar="PATH",
        help="strangers: LFW as an archive or a folder (default: SIAMLAB_LFW, else what "
        "fetch brought)",
    )
    sub.add_argument(
        "--strict", action="store_true", help="hold the rate among your own people alone too"
    )
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")
    sub.add_argument("--seed", type=int, default=0, metavar="S")
    sub.add_argument("--out", type=_model_name, required=True, metavar="MODEL.keras")

    sub = command("embed", "write the templates of images to a file", _embed)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.npz")

    sub = command("export", "write a model for ONNX Runtime or LiteRT", _export)
    sub.add_argument("model", metavar="MODEL", help=_MODEL)
    sub.add_argument("--format", choices=("onnx", "litert"), help="default: by the file's name")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help=".onnx or .tflite")

    sub = command("enroll", "store templates of a person", _enroll)
    sub.add_argument("person", metavar="PERSON")
    sub.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)

    sub = command("verify", "compare an image with a person's templates", _verify)
    sub.add_argument("person", metavar="PERSON")
    sub.add_argument("image", type=Path, metavar="IMAGE")
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)
    sub.add_argument("--threshold", type=_share, metavar="T", help="detection threshold per pair")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write the verdict here")

    sub = command("identify", "say who in the gallery is in an image", _identify)
    sub.add_argument("image", type=Path, metavar="IMAGE")
    sub.add_argument(
        "--top", type=_positive(int), default=5, metavar="N", help="candidates (default: 5)"
    )
    sub.add_argument("--model", metavar="MODEL", help=_MODEL_CHOICE)
    sub.add_argument("--threshold", type=_share, metavar="T", help="accept a person from here on")
    sub.add_argument("--json", type=Path, metavar="OUT", help="write candidates and scores here")

    sub = command("bench", "measure this machine: verification, training step, live loop", _bench)
    sub.add_argument("--json", type=Path, metavar="OUT", help="write all numbers here")
    return parser


_IMAGES = "one folder per person, or an archive of such a folder"
_MODEL = "a .keras file, or pretrained"
_MODEL_CHOICE = (
    "a .keras, .tflite or .onnx file, or pretrained (default: SIAMLAB_MODEL, else the model that "
    "notebook 05 trained, else pretrained)"
)


def _say(text: str) -> None:
    print(text, flush=True)


def _run(options: argparse.Namespace) -> int:
    from siamlab.series import run_series

    if options.subject and not options.lfw:
        raise InputError("--subject is a person of LFW: give --lfw too.")
    table = run_series(
        out=options.out,
        profile=options.profile,
        lfw=options.lfw,
        subject=options.subject,
        model=options.model,
        say=_say,
    )
    _say(table)
    return DONE


def _lab(options: argparse.Namespace) -> int:
    import subprocess

    from siamlab.series import notebook_paths

    first = notebook_paths()[0]
    return subprocess.call([sys.executable, "-m", "jupyter", "lab", str(first)])


def _fetch(options: argparse.Namespace) -> int:
    if options.dataset == "omniglot":
        return _fetch_omniglot(options)
    from siamlab.lfw import fetch_lfw
    from siamlab.people import describe, open_collection
    from siamlab.profiles import open_workspace

    folder = fetch_lfw(open_workspace().root / "lfw", source=options.source)
    _say(f"{describe(open_collection(folder))}\n{folder}")
    return DONE


def _fetch_omniglot(options: argparse.Namespace) -> int:
    from siamlab.omniglot import alphabets, fetch_omniglot, find_omniglot
    from siamlab.profiles import open_workspace

    folder = fetch_omniglot(open_workspace().root / "omniglot", source=options.source)
    for characters in find_omniglot(folder):
        _say(f"{len(characters)} characters of {', '.join(alphabets(characters))}")
    _say(str(folder))
    return DONE


def _train(options: argparse.Namespace) -> int:
    from siamlab.models import save_model
    from siamlab.people import open_collection
    from siamlab.recipes import train_model

    model, summary = train_model(
        open_collection(options.images),
        arch=options.arch,
        minutes=options.minutes,
        epochs=options.epochs,
        seed=options.seed,
        size=options.size,
        width=options.width,
        recipe=options.recipe,
    )
    path = save_model(model, Path(options.out), optimizer=False)
    _say(f"{summary}\nsaved {path}")
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from siamlab.evaluation import calibrate, evaluate_scores, score_pairs
    from siamlab.models import load_model
    from siamlab.pairs import pairs_from_file
    from siamlab.people import open_collection

    model = load_model(options.model)
    collection = open_collection(options.images)
    pairs = pairs_from_file(options.pairs, collection)
    threshold = options.threshold
    if options.calibrate is not None:
        chosen = pairs_from_file(options.calibrate, collection)
        scores = score_pairs(model, chosen)
        threshold = calibrate(chosen.labels, scores, chosen.people, fmr=None).threshold
    if threshold is None:
        threshold = 0.5 if model.record.threshold is None else model.record.threshold
    evaluation = evaluate_scores(
        pairs.labels,
        score_pairs(model, pairs),
        threshold,
        pairs.first_people,
        pairs.second_people,
    )
    trained_on = sum(model.record.trained_on(person) for person in pairs.people)
    if options.json:
        values = {**evaluation.to_dict(), "people_trained_on": trained_on}
        _write_text(options.json, json.dumps(values, indent=2, allow_nan=False))
    _say(str(evaluation))
    if trained_on:
        _say(
            f"Note: the model was trained on {trained_on} of these {len(pairs.people)} people; "
            "with strangers it will do worse."
        )
    return DONE


def _calibrate(options: argparse.Namespace) -> int:
    from siamlab.calibrating import calibrate_people, find_strangers, open_own_people
    from siamlab.models import load_model, save_model
    from siamlab.profiles import open_workspace

    model = load_model(options.model)
    found = calibrate_people(
        model,
        open_own_people(options.images),
        find_strangers(options.lfw, open_workspace()),
        fmr=options.fmr,
        seed=options.seed,
        strict=options.strict,
    )
    path = save_model(model, Path(options.out), optimizer=False)
    if options.json:
        _write_text(options.json, json.dumps(found.to_dict(), indent=2, allow_nan=False))
    _say(f"{found}\nsaved {path}")
    return DONE


def _chosen_file(name: str | None) -> Path:
    """The model file that is meant; whether it can be used shows when it is opened."""
    from siamlab.profiles import open_workspace
    from siamlab.record import PRETRAINED

    if name is None:
        name = os.environ.get("SIAMLAB_MODEL")
    trained = open_workspace().models / "siamese.keras"
    if name is None and trained.is_file():
        return trained
    if name is None and not PRETRAINED.exists():
        raise InputError("There is no model yet: run notebook 05, or give --model MODEL.keras.")
    if name in {None, "pretrained"}:
        return PRETRAINED if PRETRAINED.exists() else Path("pretrained")
    return Path(str(name))


def _chosen_model(name: str | None) -> Siamese | ExportedModel:
    """Open the model without Keras where that can be: TensorFlow alone takes seconds to load."""
    from siamlab.profiles import open_workspace
    from siamlab.runtime import SUFFIXES, open_copy, open_exported

    file = _chosen_file(name)
    if file.suffix in SUFFIXES.values():
        return open_exported(file)
    copy = open_copy(file, open_workspace().models)
    if copy is not None:
        return copy
    from siamlab.models import load_model

    return load_model(file)


def _leave_copy(name: str | None, model: Any) -> None:
    """Let the next command start without Keras; a model already opened so has its copy."""
    from siamlab.profiles import open_workspace
    from siamlab.runtime import ExportedModel

    if isinstance(model, ExportedModel):
        return
    from siamlab.export import leave_copy

    try:
        leave_copy(model, _chosen_file(name), open_workspace().models)
    except SiamlabError as error:  # the answer is given; only the next start is slower
        print(f"siamlab: no quick copy of the model was kept. {error}", file=sys.stderr)


def _verifier(options: argparse.Namespace, threshold: float | None = None) -> Verifier:
    from siamlab.gallery import Gallery
    from siamlab.profiles import open_workspace
    from siamlab.verification import Verifier

    return Verifier(
        _chosen_model(options.model),
        Gallery(open_workspace().gallery),
        detection_threshold=threshold,
    )


def _export(options: argparse.Namespace) -> int:
    from siamlab.export import export_model
    from siamlab.models import load_model

    path = export_model(load_model(options.model), options.out, options.format)
    _say(f"saved {path}: embeddings and scores equal Keras' to 1e-4")
    return DONE


def _embed(options: argparse.Namespace) -> int:
    import numpy as np

    from siamlab.models import load_model
    from siamlab.pipeline import load_images, to_float
    from siamlab.storage import write_whole

    if options.out.suffix != ".npz":
        raise InputError(f"Templates go into a .npz file. Received: {options.out}")
    model = load_model(options.model)
    templates = model.embed(to_float(load_images(options.images, model.record.preprocessing)))
    names = np.array([str(path) for path in options.images])
    write_whole(options.out, lambda path: np.savez(path, names=names, templates=templates))
    _say(f"{len(names)} templates of {templates.shape[1]} numbers in {options.out}")
    return DONE


def _enroll(options: argparse.Namespace) -> int:
    from siamlab.people import read_image

    verifier = _verifier(options)
    images = [read_image(path) for path in options.images]
    enrolment = verifier.enrol(
        options.person, images, sources=[path.name for path in options.images]
    )
    _say(f"enrolled {options.person}: {len(enrolment.templates)} templates")
    _leave_copy(options.model, verifier.model)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from siamlab.people import read_image

    verifier = _verifier(options, options.threshold)
    verification = verifier.verify(read_image(options.image), options.person)
    if options.json:
        _write_text(options.json, verification.to_json())
    _say(str(verification))
    _leave_copy(options.model, verifier.model)
    return DONE if verification.verified else NOT_VERIFIED


def _identify(options: argparse.Namespace) -> int:
    from siamlab.people import read_image

    verifier = _verifier(options, options.threshold)
    identification = verifier.identify(read_image(options.image), options.top)
    if options.json:
        _write_text(options.json, identification.to_json())
    _say(str(identification))
    _leave_copy(options.model, verifier.model)
    return DONE if identification.person is not None else NOT_VERIFIED


def _bench(options: argparse.Namespace) -> int:
    from siamlab.bench import measure_all

    results = measure_all(_say)
    if options.json:
        _write_text(options.json, results.to_json())
    _say(str(results))
    return DONE


def _write_text(path: Path, text: str) -> None:
    from siamlab.storage import write_whole

    write_whole(path, lambda temporary: temporary.write_text(text + "\n"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those after the program's name; ``None`` takes the process' own.

    Returns:
        The exit status: 0 done, 1 not verified, 2 bad usage or bad input.
    """
    # TensorFlow prints a page of notices at start; an error must stay visible.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SiamlabError as error:
        print(f"siamlab: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        return DONE
    except KeyboardInterrupt:
        print("siamlab: interrupted; nothing half-written was kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
