"""A model ready to verify, as quickly as it can be had: without Keras, once it was exported."""

from __future__ import annotations

import sys
from pathlib import Path

from siamlab.config import Workspace, open_workspace
from siamlab.errors import SiamlabError
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.exported import SUFFIXES, open_cached_export, open_exported
from siamlab.models.locations import find_model
from siamlab.system.local_key import find_local_key, local_key


def open_embedder(
    name: Path | str | None = None, workspace: Workspace | None = None
) -> FaceEmbedder:
    """Open a model to verify with.

    The first time, Keras loads a model and an exported copy of it is kept in the workspace
    (seconds); from then on the copy is opened (hundredths of a second). It is the copy that
    answers the first time too, so that the same images always get the same score. A copy without
    the mark of this workspace's key is not used, and made anew.

    Args:
        name: ``pretrained``, ``compact``, or a ``.keras``, ``.tflite`` or ``.onnx`` file; ``None``
            chooses as :func:`siamlab.models.locations.find_model` does.
        workspace: where copies are kept; ``None`` opens the default one.

    Returns:
        A model; Keras' own, with a line on standard error, where no copy can be made.

    Raises:
        ModelError: there is no such model, or it is damaged.
        MissingPackageError: the runtime of an exported file is not installed.

    Example:
        >>> from siamlab.models.opening import open_embedder
        >>> open_embedder("pretrained").metadata.preprocessing.size
        150
    """
    workspace = open_workspace() if workspace is None else workspace
    file = find_model(workspace, name)
    if file.suffix in SUFFIXES.values():
        return open_exported(file)
    copy = open_cached_export(file, workspace.models, find_local_key(workspace.root))
    return _open_and_export(file, workspace) if copy is None else copy


def _open_and_export(file: Path, workspace: Workspace) -> FaceEmbedder:
    if sys.stderr.isatty():
        print("siamlab: preparing the model, once; this takes some seconds ...", file=sys.stderr)
    from siamlab.models.saving import load_model  # here: a copy needs no Keras

    model = load_model(file)
    from siamlab.models.export import cache_export

    try:
        key = local_key(workspace.root)
        return open_exported(cache_export(model, file, workspace.models, key), key)
    except SiamlabError as error:  # only the next start is slower
        print(f"siamlab: no quick copy of the model was kept. {error}", file=sys.stderr)
        return model
