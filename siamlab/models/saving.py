"""The file that a Siamese model is kept in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from siamlab.errors import InputError, ModelError
from siamlab.gallery.rights import note_models
from siamlab.models.foreign import describe_foreign
from siamlab.models.locations import NAMES, packaged_file
from siamlab.models.packed import load_packed
from siamlab.models.pretrained import load_pretrained
from siamlab.models.safety import check_model_file, first_line
from siamlab.models.siamese import Siamese
from siamlab.system.backend import check_process, keras
from siamlab.system.files import write_whole


def save_model(model: Siamese, path: Path | str, optimizer: bool = True) -> Path:
    """Save the model with its metadata as one ``.keras`` file.

    Args:
        model: a Siamese model.
        path: a name that ends in ``.keras``.
        optimizer: keep its state too, to train further; it triples the file.

    The vault notes the file with each person whose captures the model was trained on
    (``model.captures``), before it is written: erasing the person names it.

    Raises:
        InputError: the name does not end in ``.keras``.
        NotEnrolledError: a person was erased since the model was trained on their captures.
        StorageError: the file cannot be written; nothing half-written stays.

    Example:
        >>> import siamlab
        >>> model = siamlab.build_siamese(siamlab.build_embedding("compact", (32, 32, 3), 0.25))
        >>> siamlab.save_model(model, "small.keras").name
        'small.keras'
        >>> siamlab.load_model("small.keras").model_id == model.model_id
        True
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise InputError(f"A model's file name ends in .keras. Received: {path.name}")
    note_models(model.captures, path)
    with nullcontext() if optimizer else _as_if_never_compiled(model):
        write_whole(path, lambda temporary: keras.saving.save_model(model, temporary))
    return path


@contextmanager
def _as_if_never_compiled(model: Siamese) -> Iterator[None]:
    """Hide what ``compile`` left: Keras reads ``include_optimizer`` in its older format only."""
    kept = getattr(model, "optimizer", None), model.compiled
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = kept


def load_model(path: Path | str = "pretrained") -> Siamese:
    """Load a Siamese model, ready to verify or to train on.

    Args:
        path: ``pretrained`` (dlib's face ResNet behind the project's own head), ``compact`` (the
            small network in the package), or a file: a ``.keras`` file, or one of those two
            (``siamlab/models/weights/README.md`` is their card).

    Raises:
        ModelError: there is no such file, it is damaged, it is another kind of model, or it holds
            code or classes that are neither Keras' nor siamlab's nor registered before; or this
            process was forked from one that had a model.

    Example:
        >>> import siamlab
        >>> model = siamlab.load_model("pretrained")
        >>> model.metadata.arch, model.embedding.output_shape
        ('resnet', (None, 128))
    """
    if str(path) in NAMES:
        path = packaged_file(str(path))
    path = Path(path)
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises where a folder cannot be entered
        missing = f"No model file at {path}. Check the name, or train one: siamlab train."
        raise ModelError(describe_foreign(path) or missing)
    check_process()
    if path.suffix == ".json":
        return load_pretrained(path)
    if path.suffix == ".npz":
        return load_packed(path)
    check_model_file(path)
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        raise ModelError(f"{path} cannot be loaded as a model: {first_line(error)}.") from error
    if not isinstance(model, Siamese):
        raise ModelError(
            f"{path} holds a {type(model).__name__}, not a Siamese model. Build one around it with "
            "siamlab.build_siamese."
        )
    return model
