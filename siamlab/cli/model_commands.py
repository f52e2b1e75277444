"""The commands that make and use a model file: ``train``, ``adopt``, ``export`` and ``embed``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siamlab.cli.arguments import (
    Commands,
    add_command,
    add_images,
    add_model,
    new_file,
    new_model,
    positive,
)
from siamlab.cli.output import DONE, at_terminal, note, say
from siamlab.cli.train_together import train_together
from siamlab.errors import InputError, NoFaceError, SiamlabError

_UNCALIBRATED = (
    "Not calibrated: the threshold is 0.5, and its errors are unknown. Give --images DIR (people "
    "whom it was not trained on), or run siamlab calibrate."
)


def add_commands(commands: Commands) -> None:
    """Add the commands of this group."""
    command = add_command(commands, train)
    add_images(command)
    command.add_argument("--arch", choices=("koch", "compact", "resnet"), default="compact")
    command.add_argument(
        "--recipe",
        choices=("people", "report"),
        default="people",
        help="all pairs of a batch (default), or the report's pairs and cross-entropy (koch)",
    )
    length = command.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=positive(float), metavar="M", help="time for all of it")
    length.add_argument("--epochs", type=positive(int), metavar="N", help="passes over the images")
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training that was stopped: its checkpoints lie beside --out",
    )
    command.add_argument(
        "--processes",
        type=positive(int),
        default=1,
        metavar="N",
        help="share each batch among N processes of this machine; needs --epochs and JAX",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S")
    command.add_argument("--size", type=positive(int), metavar="PIXELS", help="side of the input")
    command.add_argument("--width", type=positive(float), default=1.0, help="multiple of channels")
    command.add_argument(
        "--teacher",
        metavar="MODEL",
        help="compact: learn the embeddings of this model (pretrained, or a file)",
    )
    command.add_argument("--out", type=new_model, required=True, metavar="MODEL.keras")

    command = add_command(commands, adopt)
    command.add_argument("file", type=Path, metavar="FILE", help="a .h5 or .keras file")
    command.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="measure and calibrate it on these people: one folder per person, or an archive",
    )
    command.add_argument(
        "--alignment",
        choices=("box", "landmarks"),
        default="box",
        help="how faces are cut for it: box as LFW's images (default), landmarks as siamlab does",
    )
    command.add_argument("--out", type=new_model, required=True, metavar="MODEL.keras")

    command = add_command(commands, export)
    add_model(command)
    command.add_argument("--format", choices=("onnx", "litert"), help="default: by the file's name")
    command.add_argument(
        "--weights",
        choices=("int8", "float32"),
        help="default: int8 for litert, a quarter of the size and several times as quick",
    )
    command.add_argument(
        "--out", type=new_file, required=True, metavar="FILE", help=".onnx or .tflite"
    )

    command = add_command(commands, embed)
    add_model(command)
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    command.add_argument("--out", type=new_file, required=True, metavar="FILE.npz")


def train(options: argparse.Namespace) -> int:
    """Train a model on a folder of people."""
    folder: Path = options.out.with_suffix(".checkpoints")
    if options.processes > 1:
        with _keeping(folder):
            return train_together(options.words, options.processes)
    _check_unfinished(folder, options.resume)
    from siamlab.data.collections import open_collection
    from siamlab.models.saving import save_model
    from siamlab.training.checkpoint_files import remove_checkpoints
    from siamlab.training.distributed import joined_processes, share_of
    from siamlab.training.recipes import train_model
    from siamlab.training.settings import TrainingSettings

    collection = open_collection(options.images)
    with _keeping(folder), joined_processes() as distribution:
        number, _ = share_of(distribution)
        model, summary = train_model(
            collection,
            arch=options.arch,
            settings=TrainingSettings(
                minutes=options.minutes,
                epochs=options.epochs,
                seed=options.seed,
                folder=folder,
                distribution=distribution,
                verbose=0 if number else 1 if at_terminal() else 2,
            ),
            size=options.size,
            width=options.width,
            recipe=options.recipe,
            teacher=options.teacher,
        )
        if number:  # process 0 writes
            return DONE
        path = save_model(model, options.out, optimizer=False)
    remove_checkpoints(folder)
    say(f"{summary}\nsaved {path}")
    note(collection.left_out_note())
    return DONE


def _check_unfinished(folder: Path, resume: bool) -> None:
    """An unfinished training in the folder of checkpoints is never overwritten unasked."""
    from siamlab.system.files import check_writable
    from siamlab.training.checkpoint_files import latest_checkpoint

    check_writable(folder, folder=True)
    unfinished = latest_checkpoint(folder) is not None
    if unfinished and not resume:
        raise InputError(
            f"{folder} holds an unfinished training. Add --resume to go on with it, or remove the "
            "folder to start anew."
        )
    if resume and not unfinished:
        say(f"no checkpoint in {folder}: the training begins")


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    """Name the checkpoints of a training that ends before its model is saved."""
    from siamlab.training.checkpoint_files import latest_checkpoint

    try:
        yield
    except (SiamlabError, KeyboardInterrupt) as error:
        if latest_checkpoint(folder) is None:
            raise
        kept = f"What was trained is kept in {folder}: run the same command with --resume."
        if isinstance(error, SiamlabError):
            raise type(error)(f"{error} {kept}") from error
        say(kept)
        raise


def adopt(options: argparse.Namespace) -> int:
    """Bring over another program's Siamese model, such as siamesemodel.h5."""
    from siamlab.data.collections import open_collection
    from siamlab.evaluation.evaluate import calibrate
    from siamlab.models.adoption import adopt_model
    from siamlab.models.saving import save_model

    model = adopt_model(options.file, options.alignment)
    size, dimensions = model.metadata.preprocessing.size, model.embedding.output_shape[-1]
    found = None
    if options.images is not None:
        collection = open_collection(options.images)
        found = calibrate(model, collection)
        note(collection.left_out_note())
    path = save_model(model, options.out, optimizer=False)
    say(f"{options.file}: images of {size}x{size} to {dimensions} numbers")
    say(f"{model.metadata.notes}\n{found or _UNCALIBRATED}\nsaved {path}")
    return DONE


def export(options: argparse.Namespace) -> int:
    """Write a model for ONNX Runtime or LiteRT."""
    from siamlab.models.export import export_model
    from siamlab.models.saving import load_model

    model = load_model(options.model)
    path = export_model(model, options.out, options.format, weights=options.weights)
    say(f"saved {path}, compared with Keras")
    return DONE


def embed(options: argparse.Namespace) -> int:
    """Write the embeddings of the faces in images to a file."""
    import numpy as np

    from siamlab.models.saving import load_model
    from siamlab.system.files import write_whole
    from siamlab.verification.compare import embed_faces

    if options.out.suffix != ".npz":
        raise InputError(f"Embeddings go into a .npz file. Received: {options.out}")
    embeddings, reasons = embed_faces(options.images, load_model(options.model))
    found = ~np.isnan(embeddings).any(axis=1)
    if not found.any():
        raise NoFaceError(next(iter(reasons.values())))
    names = np.array([str(path) for path in options.images])
    write_whole(
        options.out, lambda path: np.savez(path, names=names, templates=embeddings, found=found)
    )
    for reason in reasons.values():
        say(f"no embedding: {reason}")
    say(f"{found.sum()} embeddings of {embeddings.shape[1]} numbers in {options.out}")
    return DONE
