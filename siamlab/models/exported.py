"""Exported models: embed and compare without Keras and without TensorFlow.

Input: a ``.tflite`` file (LiteRT) or an ``.onnx`` file (ONNX Runtime) that ``siamlab export``
wrote. Output: :class:`ExportedModel`, which verifies as a Siamese model does and starts a second
or more faster, because TensorFlow is never loaded.

The file holds the embedding network and, as text (:class:`ExportInfo`), what else verification
needs: distance, head, metadata, and the model's id; :mod:`siamlab.models.export_notes` reads it. A
digest of network and text stands beside it, so that a damaged file is never used. A digest is no
signature: the copies that siamlab keeps for itself bear a mark of the workspace's key, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamlab.errors import MissingPackageError, ModelError, SiamlabError
from siamlab.models.embedder import embed_in_batches, ranks_by_cosine
from siamlab.models.export_notes import (
    CHECKSUM,
    INFO,
    MARK,
    checksum,
    read_litert_notes,
    read_onnx_notes,
)
from siamlab.models.locations import model_digest
from siamlab.models.metadata import ModelMetadata
from siamlab.system.local_key import check
from siamlab.system.pickling import OneProcess
from siamlab.system.quiet import silent_stderr

LITERT, ONNX = ".tflite", ".onnx"
SUFFIXES = {"onnx": ONNX, "litert": LITERT}
DISTANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"l1": np.abs, "squared": np.square}
_VERSION = 2

Network = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class ExportInfo:
    """What an exported file holds besides its network.

    Attributes:
        model_id: the Siamese model's; templates of one serve the other.
        metadata: preprocessing, thresholds and the rest.
        input_shape: height, width and channels of the network's images, float32 in [0, 1].
        dimensions: length of a template.
        distance: ``l1`` or ``squared``, element by element.
        weights: those of the head, float32 ``(dimensions,)``.
        bias: of the head; the probability is ``sigmoid(distance . weights + bias)``.
        source: digest of the model file that was exported; empty when there was none.
        network_bytes: where the network ends in the file.
    """

    model_id: str
    metadata: ModelMetadata
    input_shape: tuple[int, int, int]
    dimensions: int
    distance: str
    weights: tuple[float, ...]
    bias: float
    source: str = ""
    network_bytes: int = 0

    def to_json(self) -> str:
        """The text that goes into the file."""
        return json.dumps({**vars(self), "metadata": self.metadata.to_dict(), "version": _VERSION})

    @classmethod
    def from_json(cls, text: str) -> ExportInfo:
        """The inverse of :meth:`to_json`.

        Raises:
            ModelError: another version of siamlab wrote it, or its numbers do not fit together.
        """
        fields = json.loads(text)
        version = fields.pop("version")
        if version != _VERSION:
            raise ModelError(
                f"It is version {version} of siamlab's exports and this siamlab reads {_VERSION}; "
                "export the model again."
            )
        fields["metadata"] = ModelMetadata.from_dict(fields["metadata"])
        tuples = {name: tuple(fields[name]) for name in ("input_shape", "weights")}
        info = cls(**{**fields, **tuples})
        numbers = (*info.weights, info.bias)
        if (
            info.distance not in DISTANCES
            or len(info.weights) != info.dimensions
            or not all(map(math.isfinite, numbers))
        ):
            raise ModelError("Its head does not fit its network; export the model again.")
        return info


class ExportedModel(OneProcess):
    """An embedding network on a light runtime, with the head in NumPy.

    Args:
        info: the text of the file.
        network: float32 ``(N, height, width, channels)`` to ``(N, dimensions)``.
    """

    def __init__(self, info: ExportInfo, network: Network) -> None:
        self.info = info
        self.metadata = info.metadata
        self.model_id = info.model_id
        self._network = network
        self._weights = np.asarray(info.weights, np.float32)
        self._compare = DISTANCES[info.distance]

    @property
    def ranks_by_cosine(self) -> bool:
        """Whether the score of two unit embeddings depends on their cosine alone."""
        return ranks_by_cosine(self.info.distance, self._weights)

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Embed images, ``batch`` at a time; see :meth:`FaceEmbedder.embed`."""
        shape, dimensions = self.info.input_shape, self.info.dimensions
        return embed_in_batches(self._network, images, shape, dimensions, batch)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """``sigmoid(distance . weights + bias)``; see :meth:`FaceEmbedder.score_pairs`."""
        if len(second) == 0:
            return np.zeros(0, np.float32)
        logits = self._compare(np.atleast_2d(first) - second) @ self._weights + self.info.bias
        # The sigmoid, without the overflow of exp for large negative numbers.
        return np.exp(-np.logaddexp(0, -logits)).astype(np.float32)

    def probability(self, anchors: np.ndarray, others: np.ndarray) -> np.ndarray:
        """The whole pair model: two batches of images in, float32 ``(N,)`` probabilities out."""
        return self.score_pairs(self.embed(anchors), self.embed(others))


def open_exported(path: Path | str, key: bytes | None = None) -> ExportedModel:
    """Open a file that ``siamlab export`` wrote.

    Args:
        path: a ``.tflite`` or an ``.onnx`` file.
        key: the workspace's, whose mark the file must bear; ``None`` asks for none.

    Raises:
        ModelError: there is no such file, it is damaged, siamlab did not write it, or it does not
            bear the mark.
        MissingPackageError: the runtime of this kind of file is not installed.
    """
    path = Path(path)
    reader = {LITERT: read_litert_notes, ONNX: read_onnx_notes}.get(path.suffix)
    if reader is None:
        raise ModelError(f"An exported model's name ends in {LITERT} or {ONNX}. Received: {path}")
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises where a folder cannot be entered
        raise ModelError(f"No model file at {path}. Check the name, or make it: siamlab export.")
    runtime = _litert_runtime if path.suffix == LITERT else _onnx_runtime
    try:
        open_network = runtime()
        content = path.read_bytes()
        info = _checked(content, reader(content), key)
        return ExportedModel(info, open_network(content[: info.network_bytes]))
    except MissingPackageError:
        raise
    except SiamlabError as error:
        raise ModelError(f"{path} cannot be used. {error}") from None
    except Exception as error:  # zipfile and the runtimes raise a dozen kinds for damaged files
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{path} cannot be used; it is damaged or siamlab did not export it ({reason})."
        ) from error


def _litert_runtime() -> Callable[[bytes], Network]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingPackageError(
            f"A {LITERT} file needs LiteRT ({error}). Run: pip install ai-edge-litert"
        ) from None

    def open_network(content: bytes) -> Network:
        with silent_stderr():
            interpreter = Interpreter(model_content=content, num_threads=usable_cores())
            interpreter.allocate_tensors()
            run = interpreter.get_signature_runner()
        name = next(iter(run.get_input_details()))
        lock = threading.Lock()  # an interpreter has one set of tensors

        def network(images: np.ndarray) -> np.ndarray:
            with lock:
                return np.array(next(iter(run(**{name: images}).values())))

        return network

    return open_network


def _onnx_runtime() -> Callable[[bytes], Network]:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackageError(
            f"An {ONNX} file needs ONNX Runtime ({error}). Run: pip install onnxruntime"
        ) from None

    def open_network(content: bytes) -> Network:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda images: np.asarray(session.run(None, {name: images})[0])

    return open_network


def usable_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked(content: bytes, notes: dict[str, str], key: bytes | None) -> ExportInfo:
    info = ExportInfo.from_json(notes[INFO])
    found = checksum(memoryview(content)[: info.network_bytes], notes[INFO])
    if found != notes[CHECKSUM]:
        raise ModelError("Its content was damaged; export the model again.")
    if key is not None and not check(marked(found), notes.get(MARK, ""), key):
        raise ModelError("It does not bear this workspace's mark; delete it.")
    return info


def marked(digest: str) -> bytes:
    """What the mark of an exported copy is made of: the digest of its network and its text."""
    return b"exported copy " + digest.encode()


def file_digest(path: Path) -> str:
    """The first 16 hexadecimal digits of a model file's SHA-256.

    Raises:
        ModelError: a file in the package is not the one that siamlab came with.
    """
    return model_digest(path)[:16]


def cached_export_prefix(model_file: Path) -> str:
    """How the names of all exported copies of one model file begin."""
    place = hashlib.sha256(str(model_file.resolve()).encode("utf-8", "surrogateescape"))
    return f"{model_file.stem}-{place.hexdigest()[:8]}-"


def cached_export_path(model_file: Path, digest: str, folder: Path) -> Path:
    """Where the exported copy of a model file belongs.

    Args:
        model_file: a ``.keras`` file, or one in the package. That of ``pretrained`` names the
            digest of dlib's file, which need not be read again.
        digest: its :func:`file_digest`.
        folder: the workspace's folder of models.
    """
    return folder / "exported" / f"{cached_export_prefix(model_file)}{digest}{LITERT}"


def open_cached_export(model_file: Path, folder: Path, key: bytes | None) -> ExportedModel | None:
    """Open the exported copy of a model file, if there is one, whole and made by this workspace.

    Args:
        model_file: a ``.keras`` file, or one in the package.
        folder: the workspace's folder of models.
        key: the workspace's (:mod:`siamlab.system.local_key`), whose mark a copy must bear;
            ``None`` where it has none yet, and so no copies.

    Returns:
        ``None`` where Keras must load the model file: no copy, a damaged or a foreign one, one of
        former content, or no LiteRT.

    Raises:
        ModelError: the model file in the package was damaged or exchanged.
    """
    if key is None or not model_file.is_file():
        return None
    digest = file_digest(model_file)
    path = cached_export_path(model_file, digest, folder)
    if not path.is_file():
        return None
    try:
        model = open_exported(path, key)
    except SiamlabError:
        return None
    return model if model.info.source == digest else None
