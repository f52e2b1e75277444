"""Export: a trained model as a file for a runtime that is lighter than Keras.

Output: one ``.tflite`` (LiteRT) or ``.onnx`` file that :mod:`siamlab.models.exported` opens, and
that a phone or another language can use. Keras converts the network; the metadata is added here,
and the file is compared with Keras before it gets its name.
"""

from __future__ import annotations

import glob
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from siamlab.errors import InputError, MissingPackageError, ModelError
from siamlab.models.export_notes import CHECKSUM, INFO, MARK, checksum
from siamlab.models.exported import (
    ONNX,
    SUFFIXES,
    ExportInfo,
    cached_export_path,
    cached_export_prefix,
    file_digest,
    marked,
    open_exported,
)
from siamlab.models.layers import L1Distance, SquaredDistance
from siamlab.models.siamese import Siamese
from siamlab.system.backend import int8_weights, keras
from siamlab.system.files import drop_stale, storage_errors, whole_file
from siamlab.system.local_key import mark
from siamlab.system.quiet import silent_stderr

# How far embeddings may be from Keras'. Eight bits move those of faces by up to 0.006.
TOLERANCES = {"float32": 1e-4, "int8": 0.01}
_NAMES: dict[type, str] = {L1Distance: "l1", SquaredDistance: "squared"}


def export_model(
    model: Siamese,
    path: Path | str,
    form: str | None = None,
    source: str = "",
    weights: str | None = None,
    key: bytes | None = None,
) -> Path:
    """Write a model for ONNX Runtime or LiteRT.

    Args:
        model: a trained Siamese model.
        path: a name that ends in ``.onnx`` or ``.tflite``.
        form: ``onnx`` or ``litert``; ``None`` takes it from the name.
        source: digest of the model file that it came from, if any.
        weights: ``int8``, a quarter of the size and several times as quick, for LiteRT, or
            ``float32``; ``None`` takes ``int8`` for LiteRT.
        key: the workspace's, which marks a copy that is kept there; ``None`` for other files.

    Returns:
        The path. With ``float32`` embeddings and probabilities differ from Keras' by 1e-4 at
        most, with ``int8`` embeddings by 0.01 at most.

    Raises:
        InputError: the name, the form or the weights are others, or the distance has no
            counterpart.
        MissingPackageError: a package of the optional extra ``onnx`` is not installed.
        ModelError: the network cannot be converted, or the result differs from Keras'.
        StorageError: the file cannot be written; nothing half-written stays.
    """
    path = Path(path)
    form = _form(path, form)
    weights = _weights(form, weights)
    info = _describe(model, source)
    with whole_file(path) as part:
        _convert(model.embedding, part, form, weights)
        _add_notes(part, info, key)
        _compare(model, part, weights)
    return path


def _form(path: Path, form: str | None) -> str:
    by_suffix = {suffix: name for name, suffix in SUFFIXES.items()}
    chosen = by_suffix.get(path.suffix) if form is None else form
    if chosen not in SUFFIXES:
        raise InputError(
            f"A model is exported as {' or '.join(SUFFIXES)}, to a name that ends in "
            f"{' or '.join(by_suffix)}. Received: {path.name if form is None else form}"
        )
    if path.suffix != SUFFIXES[chosen]:
        raise InputError(
            f"The name of a file for {chosen} ends in {SUFFIXES[chosen]}. Received: {path.name}"
        )
    return chosen


def _weights(form: str, weights: str | None) -> str:
    chosen = ("int8" if form == "litert" else "float32") if weights is None else weights
    if chosen not in TOLERANCES or (chosen == "int8" and form != "litert"):
        raise InputError(
            f"Weights are exported as float32, and for litert as int8 too. Received: {chosen} for "
            f"{form}."
        )
    return chosen


def _describe(model: Siamese, source: str) -> ExportInfo:
    distance = _NAMES.get(type(model.distance))
    if distance is None:
        raise InputError(
            f"Models with the distances {', '.join(_NAMES.values())} can be exported. Received: "
            f"{type(model.distance).__name__}."
        )
    kernel, bias = model.head.get_weights()
    height, width, channels = model.embedding.input_shape[1:]
    return ExportInfo(
        model_id=model.model_id,
        metadata=model.metadata,
        input_shape=(height, width, channels),
        dimensions=int(model.embedding.output_shape[-1]),
        distance=distance,
        weights=tuple(kernel[:, 0].tolist()),
        bias=float(bias[0]),
        source=source,
    )


def _convert(embedding: keras.Model, path: Path, form: str, weights: str) -> None:
    more = int8_weights() if weights == "int8" else {}
    try:
        # Both converters print and warn about themselves.
        with silent_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            embedding.export(str(path), format=form, verbose=False, **more)
    except ImportError as error:
        raise MissingPackageError(
            f'Export to {form} needs another package ({error}). Run: pip install "siamlab[onnx]"'
        ) from None
    except OSError:
        raise
    except Exception as error:  # each converter raises kinds of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"This network cannot be converted to {form}: {reason}") from error


def _add_notes(path: Path, info: ExportInfo, key: bytes | None) -> None:
    """Append the text, the digest and the mark to the network."""
    network = path.read_bytes()
    text = replace(info, network_bytes=len(network)).to_json()
    digest = checksum(network, text)
    notes = {INFO: text, CHECKSUM: digest}
    if key is not None:
        notes[MARK] = mark(marked(digest), key)
    if path.suffix == ONNX:
        import onnx

        # Two concatenated protocol buffers are read as one: the network's bytes stay.
        properties = onnx.ModelProto()
        for name, value in notes.items():
            properties.metadata_props.add(key=name, value=value)
        with path.open("ab") as file:
            file.write(properties.SerializeToString())
        return
    with zipfile.ZipFile(path, "a") as archive:
        for name, value in notes.items():
            archive.writestr(zipfile.ZipInfo(name), value)


def _compare(model: Siamese, path: Path, weights: str) -> None:
    exported = open_exported(path)
    images = _patches(exported.info.input_shape)
    expected, got = model.embed(images), exported.embed(images)
    with np.errstate(invalid="ignore"):
        difference = float(np.abs(got - expected).max())
        if weights == "float32":
            scores = model.score_pairs(expected, expected[::-1])
            there = exported.score_pairs(got, got[::-1])
            difference = max(difference, float(np.abs(there - scores).max()))
    if not difference <= TOLERANCES[weights]:
        advice = "Use the .keras file." if weights == "float32" else "Export it as float32."
        raise ModelError(
            f"The exported network differs from Keras by {difference:.1e}; at most "
            f"{TOLERANCES[weights]} is accepted. {advice}"
        )


def _patches(shape: tuple[int, int, int]) -> np.ndarray:
    """Four images of 8x8 patches, dark to light: like photographs they are smooth and have edges.

    Args:
        shape: height, width and channels.

    Returns:
        float32 ``(4, *shape)`` in [0, 1].
    """
    height, width, channels = shape
    small = np.random.default_rng(0).random((4, 8, 8, channels), dtype=np.float32)
    small *= np.array([0.2, 0.5, 0.8, 1.0], np.float32)[:, None, None, None]
    tall = np.repeat(small, -(-height // 8), axis=1)[:, :height]
    return np.repeat(tall, -(-width // 8), axis=2)[:, :, :width]


def cache_export(model: Siamese, model_file: Path, folder: Path, key: bytes) -> Path:
    """Keep an exported copy of a model file, so that the next start needs no Keras.

    Its weights are ``int8``, or ``float32`` where that would change embeddings too much.

    Args:
        model: what the file holds.
        model_file: the ``.keras`` file, or one in the package.
        folder: the workspace's folder of models.
        key: the workspace's, which marks the copy as its own.

    Returns:
        The copy's path (``cached_export_path``); copies of former content are removed.

    Raises:
        SiamlabError: as :func:`export_model`.
    """
    digest = file_digest(model_file)
    path = cached_export_path(model_file, digest, folder)
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_stale(path.parent, ".")
        for former in path.parent.glob(f"{glob.escape(cached_export_prefix(model_file))}*"):
            former.unlink(missing_ok=True)
    try:
        return export_model(model, path, source=digest, key=key)
    except ModelError:
        return export_model(model, path, source=digest, weights="float32", key=key)
