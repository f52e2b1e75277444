"""The commands about people: ``enroll``, ``verify``, ``identify``.

Input: parsed arguments. Output: a verdict as text, JSON and exit status. They run on an
exported copy of the model where there is one, so that they start without Keras.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamlab.cli.output import DONE, NOT_VERIFIED, say, write_text
from siamlab.errors import InputError, SiamlabError

if TYPE_CHECKING:
    from siamlab.models.exported import ExportedModel
    from siamlab.models.siamese import Siamese
    from siamlab.verification.verifier import Verifier


def _chosen_file(name: str | None) -> Path:
    """The model file that is meant; whether it can be used shows when it is opened."""
    from siamlab.config import open_workspace
    from siamlab.models.metadata import PRETRAINED

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
    from siamlab.config import open_workspace
    from siamlab.models.exported import SUFFIXES, open_cached_export, open_exported

    file = _chosen_file(name)
    if file.suffix in SUFFIXES.values():
        return open_exported(file)
    copy = open_cached_export(file, open_workspace().models)
    if copy is not None:
        return copy
    from siamlab.models.saving import load_model

    return load_model(file)


def _cache_export(name: str | None, model: Any) -> None:
    """Let the next command start without Keras; a model already opened so has its copy."""
    from siamlab.config import open_workspace
    from siamlab.models.exported import ExportedModel

    if isinstance(model, ExportedModel):
        return
    from siamlab.models.export import cache_export

    try:
        cache_export(model, _chosen_file(name), open_workspace().models)
    except SiamlabError as error:  # the answer is given; only the next start is slower
        print(f"siamlab: no quick copy of the model was kept. {error}", file=sys.stderr)


def _verifier(options: argparse.Namespace, threshold: float | None = None) -> Verifier:
    from siamlab.config import open_workspace
    from siamlab.gallery import Gallery
    from siamlab.verification.verifier import Verifier

    return Verifier(
        _chosen_model(options.model),
        Gallery(open_workspace().gallery),
        detection_threshold=threshold,
    )


def enroll(options: argparse.Namespace) -> int:
    """Store templates of a person."""
    from siamlab.images.decode import read_image

    verifier = _verifier(options)
    images = [read_image(path) for path in options.images]
    enrollment = verifier.enroll(
        options.person, images, sources=[path.name for path in options.images]
    )
    say(f"enrolled {options.person}: {len(enrollment.templates)} templates")
    _cache_export(options.model, verifier.model)
    return DONE


def verify(options: argparse.Namespace) -> int:
    """Compare an image with a person's templates."""
    from siamlab.images.decode import read_image

    verifier = _verifier(options, options.threshold)
    verification = verifier.verify(read_image(options.image), options.person)
    if options.json:
        write_text(options.json, verification.to_json())
    say(str(verification))
    _cache_export(options.model, verifier.model)
    return DONE if verification.verified else NOT_VERIFIED


def identify(options: argparse.Namespace) -> int:
    """Say who of the gallery is in an image."""
    from siamlab.images.decode import read_image

    verifier = _verifier(options, options.threshold)
    identification = verifier.identify(read_image(options.image), options.top)
    if options.json:
        write_text(options.json, identification.to_json())
    say(str(identification))
    _cache_export(options.model, verifier.model)
    return DONE if identification.person is not None else NOT_VERIFIED
