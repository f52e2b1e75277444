"""What each command does: the series, data, training, measuring.

Input: parsed arguments. Output: files, printed lines, an exit status. Everything heavy is
imported when its command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from siamlab.cli.output import DONE, say, write_text
from siamlab.errors import InputError


def run(options: argparse.Namespace) -> int:
    """Run the series headless."""
    from siamlab.course.runner import run_series

    if options.subject and not options.lfw:
        raise InputError("--subject is a person of LFW: give --lfw too.")
    table = run_series(
        out=options.out,
        profile=options.profile,
        lfw=options.lfw,
        subject=options.subject,
        model=options.model,
        say=say,
    )
    say(table)
    return DONE


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on notebook 01."""
    import subprocess

    from siamlab.course.notebooks import notebook_paths

    first = notebook_paths()[0]
    return subprocess.call([sys.executable, "-m", "jupyter", "lab", str(first)])


def fetch(options: argparse.Namespace) -> int:
    """Download or copy a data set."""
    if options.dataset == "omniglot":
        return _fetch_omniglot(options)
    from siamlab.config import open_workspace
    from siamlab.data.collections import open_collection
    from siamlab.data.inspection import describe
    from siamlab.data.lfw_download import fetch_lfw

    folder = fetch_lfw(open_workspace().root / "lfw", source=options.source)
    say(f"{describe(open_collection(folder))}\n{folder}")
    return DONE


def _fetch_omniglot(options: argparse.Namespace) -> int:
    from siamlab.config import open_workspace
    from siamlab.data.omniglot import alphabets, fetch_omniglot, find_omniglot

    folder = fetch_omniglot(open_workspace().root / "omniglot", source=options.source)
    for characters in find_omniglot(folder):
        say(f"{len(characters)} characters of {', '.join(alphabets(characters))}")
    say(str(folder))
    return DONE


def train(options: argparse.Namespace) -> int:
    """Train a model on a folder of people."""
    from siamlab.data.collections import open_collection
    from siamlab.models.saving import save_model
    from siamlab.training.recipes import train_model

    model, summary = train_model(
        open_collection(options.images),
        arch=options.arch,
        minutes=options.minutes,
        epochs=options.epochs,
        seed=options.seed,
        size=options.size,
        width=options.width,
        recipe=options.recipe,
        models=options.models,
    )
    path = save_model(model, Path(options.out), optimizer=False)
    say(f"{summary}\nsaved {path}")
    return DONE


def evaluate(options: argparse.Namespace) -> int:
    """Measure a model on a file of pairs."""
    from siamlab.data.collections import open_collection
    from siamlab.data.lfw import pairs_from_file
    from siamlab.evaluation import calibrate, evaluate_scores, score_pairs
    from siamlab.models.saving import load_model

    model = load_model(options.model)
    collection = open_collection(options.images)
    pairs = pairs_from_file(options.pairs, collection)
    threshold = options.threshold
    if options.calibrate is not None:
        chosen = pairs_from_file(options.calibrate, collection)
        scores = score_pairs(model, chosen)
        threshold = calibrate(chosen.labels, scores, chosen.people, fmr=None).threshold
    if threshold is None:
        threshold = 0.5 if model.metadata.threshold is None else model.metadata.threshold
    evaluation = evaluate_scores(
        pairs.labels,
        score_pairs(model, pairs),
        threshold,
        pairs.first_people,
        pairs.second_people,
    )
    trained_on = sum(model.metadata.trained_on(person) for person in pairs.people)
    if options.json:
        values = {**evaluation.to_dict(), "people_trained_on": trained_on}
        write_text(options.json, json.dumps(values, indent=2, allow_nan=False))
    say(str(evaluation))
    if trained_on:
        say(
            f"Note: the model was trained on {trained_on} of these {len(pairs.people)} people; "
            "with strangers it will do worse."
        )
    return DONE


def calibrate(options: argparse.Namespace) -> int:
    """Set a model's threshold on the user's own people and on strangers."""
    from siamlab.config import open_workspace
    from siamlab.evaluation.own_people import calibrate_people, find_strangers, open_own_people
    from siamlab.models.saving import load_model, save_model

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
        write_text(options.json, json.dumps(found.to_dict(), indent=2, allow_nan=False))
    say(f"{found}\nsaved {path}")
    return DONE


def export(options: argparse.Namespace) -> int:
    """Write a model for another runtime."""
    from siamlab.models.export import export_model
    from siamlab.models.saving import load_model

    path = export_model(load_model(options.model), options.out, options.format)
    say(f"saved {path}: embeddings and scores equal Keras' to 1e-4")
    return DONE


def embed(options: argparse.Namespace) -> int:
    """Write the templates of images to a file."""
    import numpy as np

    from siamlab.data.pipeline import load_images, to_float
    from siamlab.models.saving import load_model
    from siamlab.system.files import write_whole

    if options.out.suffix != ".npz":
        raise InputError(f"Templates go into a .npz file. Received: {options.out}")
    model = load_model(options.model)
    templates = model.embed(to_float(load_images(options.images, model.metadata.preprocessing)))
    names = np.array([str(path) for path in options.images])
    write_whole(options.out, lambda path: np.savez(path, names=names, templates=templates))
    say(f"{len(names)} templates of {templates.shape[1]} numbers in {options.out}")
    return DONE


def bench(options: argparse.Namespace) -> int:
    """Measure this machine."""
    from siamlab.study.speed.benchmark import run_benchmark

    results = run_benchmark(say)
    if options.json:
        write_text(options.json, results.to_json())
    say(str(results))
    return DONE
