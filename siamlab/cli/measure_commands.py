"""The commands that measure: ``evaluate``, ``calibrate`` and ``bench``."""

from __future__ import annotations

import argparse
from pathlib import Path

from siamlab.cli.arguments import (
    Commands,
    add_command,
    add_images,
    add_json,
    add_model,
    new_model,
    share,
)
from siamlab.cli.output import DONE, note, say, write_json


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    command = add_command(commands, evaluate)
    add_model(command)
    add_images(command)
    command.add_argument(
        "--pairs",
        type=Path,
        required=True,
        metavar="FILE",
        help="LFW's format, or a CSV of two paths and a label (1 for the same person)",
    )
    choice = command.add_mutually_exclusive_group()
    choice.add_argument(
        "--calibrate", type=Path, metavar="FILE", help="pairs of other people choose the threshold"
    )
    choice.add_argument(
        "--threshold", type=share, metavar="T", help="between 0 and 1 (default: the balanced one)"
    )
    command.add_argument(
        "--aligned", action="store_true", help="the images are cut to the face already"
    )
    add_json(command)

    command = add_command(commands, calibrate)
    add_model(command)
    add_images(command)
    command.add_argument(
        "--fmr", type=share, default=0.01, help="share of impostors let in (default: 0.01)"
    )
    command.add_argument(
        "--lfw",
        type=Path,
        metavar="PATH",
        help="strangers: LFW as an archive or a folder (default: SIAMLAB_LFW, else what "
        "fetch brought)",
    )
    command.add_argument(
        "--strict", action="store_true", help="hold the rate among your own people alone too"
    )
    add_json(command)
    command.add_argument("--seed", type=int, default=0, metavar="S")
    command.add_argument("--out", type=new_model, required=True, metavar="MODEL.keras")

    add_json(add_command(commands, bench))


def evaluate(options: argparse.Namespace) -> int:
    """Measure a model on a file of pairs."""
    from siamlab.data.collections import open_collection
    from siamlab.data.pairs import shared_people
    from siamlab.evaluation import balanced_threshold
    from siamlab.evaluation.evaluate import evaluate, open_pairs
    from siamlab.evaluation.own_people.selection import hidden_notes
    from siamlab.evaluation.scoring import judge_pairs
    from siamlab.models.saving import load_model

    model = load_model(options.model)
    collection = open_collection(options.images)
    pairs = open_pairs(options.pairs, collection)
    threshold, shared = options.threshold, 0
    if options.calibrate is not None:
        chosen = open_pairs(options.calibrate, collection)
        found = judge_pairs(model, chosen, options.aligned)
        kept = found.keep_judged(chosen)
        threshold = balanced_threshold(kept.labels, found.scores[found.judged])
        shared = len(shared_people(pairs, chosen))
    evaluation = evaluate(model, collection, pairs, threshold, options.aligned)
    trained_on = len(model.metadata.known_people(pairs.people))
    known = {"people_trained_on": trained_on, "people_calibrated_on": shared}
    write_json(options.json, {**evaluation.to_dict(), **known})
    say(str(evaluation))
    note(collection.left_out_note())
    if shared:
        note(
            f"the threshold was chosen on pairs of {shared} of these {len(pairs.people)} people "
            "(--calibrate); on other people it will do worse. Give it pairs of people who are not "
            "in --pairs."
        )
    if trained_on:
        say(
            f"Note: the model was trained on {trained_on} of these {len(pairs.people)} people; "
            "on people that it was not trained on it will do worse."
        )
    for hidden in hidden_notes(model):
        say(f"Note: {hidden[0].lower()}{hidden[1:]}")
    return DONE


def calibrate(options: argparse.Namespace) -> int:
    """Set a model's threshold on people of your own and on strangers."""
    from siamlab.config import open_workspace
    from siamlab.evaluation.own_people import calibrate_people, find_strangers, open_own_people
    from siamlab.models.saving import load_model, save_model

    model = load_model(options.model)
    own = open_own_people(options.images)
    found = calibrate_people(
        model,
        own,
        find_strangers(options.lfw, open_workspace()),
        fmr=options.fmr,
        seed=options.seed,
        strict=options.strict,
    )
    path = save_model(model, options.out, optimizer=False)
    write_json(options.json, found.to_dict())
    say(f"{found}\nsaved {path}")
    note(own.left_out_note())
    return DONE


def bench(options: argparse.Namespace) -> int:
    """Measure this machine: verification, training and the live loop."""
    from dataclasses import asdict

    from siamlab.study.speed.benchmark import run_benchmark

    results = run_benchmark(say)
    write_json(options.json, asdict(results))
    say(str(results))
    return DONE
