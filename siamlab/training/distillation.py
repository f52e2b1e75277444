"""A strong network teaches a small one: from faces without names to a network for two cores.

The student learns to give the embedding that its teacher gives (Hinton, Vinyals, Dean 2015,
"Distilling the Knowledge in a Neural Network"), and the same cosines between all images of a batch
(Park et al. 2019, "Relational Knowledge Distillation"). Half of each batch are mixed faces: two
aligned faces blended into one that nobody has, which the teacher embeds like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from siamlab.data.augmentation import Augmentation, augment_batch, source_preprocessing
from siamlab.data.batches import EpochBatches
from siamlab.data.faces import face_batches
from siamlab.data.pipeline import to_float
from siamlab.errors import InputError
from siamlab.faces.crop import CHIP_SIZE, Preprocessing, preprocess
from siamlab.images.decode import ImageFile
from siamlab.models.embedder import FaceEmbedder
from siamlab.system.backend import keras, ops, set_seed, uses_xla
from siamlab.training.checkpoint_key import make_key
from siamlab.training.checkpoints import TrainingHistory
from siamlab.training.loop import cosine_schedule, fit_batches
from siamlab.training.mixed_precision import in_bfloat16
from siamlab.training.settings import TrainingSettings

BATCH, RATE, WARMUP = 128, 2e-3, 200
MIXED_EACH, MOST_MIXED = 4, 40_000  # mixed faces for each real one, and at most
RELATIONS = 10.0  # how much the cosines between images count beside the directions


@keras.saving.register_keras_serializable(package="siamlab")
class DistillationLoss(keras.losses.Loss):
    """How far unit embeddings are from a teacher's, alone and among each other.

    ``(1 - u.t) / spread`` of each image, and ten times the mean squared difference of all cosines
    of the batch over ``spread`` squared.

    Args:
        spread: ``1 - |mean|²`` of the teacher's unit embeddings: how much they differ at all.

    Example:
        >>> import numpy as np
        >>> from siamlab.training.distillation import DistillationLoss
        >>> codes = np.eye(2, dtype="float32")
        >>> float(DistillationLoss(spread=0.5)(codes, codes))
        0.0
    """

    def __init__(self, spread: float = 1.0, name: str = "distillation", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.spread = spread

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each image, ``(batch,)``, from the teacher's and the student's embeddings."""
        direction = 1.0 - ops.sum(y_true * y_pred, axis=-1)
        wanted, given = (ops.matmul(codes, ops.transpose(codes)) for codes in (y_true, y_pred))
        relations = ops.mean(ops.square(given - wanted))
        return direction / self.spread + RELATIONS * relations / self.spread**2

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "spread": self.spread}


def mix_faces(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blend two aligned faces into one that nobody has.

    By a constant weight of 0.3 to 0.7, or with a soft edge in a random direction.

    Args:
        one: uint8 RGB ``(S, S, 3)``, a chip.
        other: another one; it is mirrored half of the time.
        rng: the source of randomness.

    Returns:
        uint8 RGB ``(S, S, 3)``.
    """
    if rng.random() < 0.5:
        other = other[:, ::-1]
    weight: Any = rng.uniform(0.3, 0.7)
    if rng.random() < 0.5:
        place = (np.arange(len(one)) - (len(one) - 1) / 2) / len(one)
        turn = rng.uniform(0, 2 * np.pi)
        across = np.cos(turn) * place + np.sin(turn) * place[:, None]
        edge = (across - rng.normal(0, 0.06)) * rng.uniform(8, 30)
        weight = (1 / (1 + np.exp(-edge)))[:, :, None]
    return (weight * one + (1 - weight) * other).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a student learns from.

    Attributes:
        sources: uint8 RGB ``(N, S, S, 3)``, wider and finer than the student's input, for
            augmentation; real faces first.
        targets: float32 ``(N, D)``, the teacher's unit embeddings.
        real: how many are real.
        missing: how many images showed no face.
        teacher: the teacher's ``model_id``.
    """

    sources: np.ndarray
    targets: np.ndarray
    real: int
    missing: int = 0
    teacher: str = ""

    def digest(self) -> str:
        """What depends on the faces and on who the teacher is."""
        found = hashlib.sha256(self.teacher.encode())
        found.update(np.ascontiguousarray(self.sources).data)
        return found.hexdigest()[:32]


def prepare_lessons(
    paths: Sequence[ImageFile],
    teacher: FaceEmbedder,
    preprocessing: Preprocessing,
    mixed: int | None = None,
    seed: int = 0,
    batch: int = 64,
) -> Lessons:
    """Align faces, mix more, and let the teacher embed all of them.

    Args:
        paths: image files with a face each; nobody need know whose.
        teacher: unit embeddings come out.
        preprocessing: the student's crop and size.
        mixed: how many mixed faces; ``None``: four for each real one, 40,000 at most.
        seed: of the mixing.
        batch: faces in the teacher at once.

    Raises:
        InputError: fewer than two images show a face.
    """
    whole = replace(teacher.metadata.preprocessing, size=CHIP_SIZE, fraction=1.0)
    source = source_preprocessing(preprocessing)
    chips, missing = [], 0
    for faces in face_batches(paths, whole, 16 * batch):
        chips.append(faces.images[faces.found])
        missing += faces.missing
    real = np.concatenate(chips) if chips else np.zeros((0, CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    if len(real) < 2:
        raise InputError(
            f"A teacher needs faces to show: {len(real)} of {len(paths)} images have one. Give "
            "more images, larger or better lit."
        )
    count = min(MIXED_EACH * len(real), MOST_MIXED) if mixed is None else mixed
    rng = np.random.default_rng(seed)
    sources, targets = [], []
    for start in range(0, len(real) + count, batch):
        some = [
            _lesson(real, row, rng) for row in range(start, min(start + batch, len(real) + count))
        ]
        seen = np.stack([preprocess(chip, teacher.metadata.preprocessing) for chip in some])
        targets.append(teacher.embed(to_float(seen)))
        sources.append(np.stack([preprocess(chip, source) for chip in some]))
    return Lessons(
        np.concatenate(sources), np.concatenate(targets), len(real), missing, teacher.model_id
    )


def _lesson(real: np.ndarray, row: int, rng: np.random.Generator) -> np.ndarray:
    """A real face, or one mixed of two."""
    if row < len(real):
        return np.asarray(real[row])
    one, other = rng.choice(len(real), 2, replace=False)
    return mix_faces(real[one], real[other], rng)


class LessonBatches(EpochBatches):
    """Batches of augmented faces and the teacher's embeddings, half real and half mixed."""

    def __init__(
        self, lessons: Lessons, preprocessing: Preprocessing, settings: TrainingSettings, steps: int
    ) -> None:
        super().__init__(steps, settings.seed)
        self.lessons, self.preprocessing = lessons, preprocessing
        self.augmentation = settings.augmentation or Augmentation()

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images float32 ``(128, size, size, 3)`` in [0, 1]; embeddings float32 ``(128, D)``."""
        rng = self.generator(step)
        real, every = self.lessons.real, len(self.lessons.targets)
        half = BATCH // 2
        second = rng.integers(real if every > real else 0, every, BATCH - half)
        rows = np.concatenate([rng.integers(0, real, half), second])
        sources = [self.lessons.sources[row] for row in rows]
        views = augment_batch(sources, self.preprocessing, rng, self.augmentation)
        return views, self.lessons.targets[rows]


def distill(
    student: keras.Model,
    lessons: Lessons,
    preprocessing: Preprocessing,
    settings: TrainingSettings,
) -> TrainingHistory:
    """Train a student on a teacher's embeddings.

    Args:
        student: unit embeddings come out, as many numbers as the teacher's; trained in place. Its
            layer ``code_norm`` begins with the teacher's mean and spread.
        lessons: what :func:`prepare_lessons` returns.
        preprocessing: the student's crop and size.
        settings: either ``steps`` or ``minutes``; a run counted in steps can be resumed.

    Returns:
        The history.

    Raises:
        InputError: neither or both of ``steps`` and ``minutes`` are given, or the student's
            embeddings have another size than the teacher's.
    """
    rate, clock = cosine_schedule(settings, RATE, WARMUP)
    numbers = lessons.targets.shape[1]
    if student.output_shape[-1] != numbers:
        raise InputError(
            f"The teacher's embeddings have {numbers} numbers, the student's "
            f"{student.output_shape[-1]}; they must be as many."
        )
    set_seed(settings.seed)
    real = lessons.targets[: lessons.real]
    center = real.mean(axis=0)
    norm = student.get_layer("code_norm")
    norm.set_weights([real.std(axis=0), center, *norm.get_weights()[2:]])
    learner = in_bfloat16(student) if settings.bfloat16 else student
    learner.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=2e-2, clipnorm=5.0),
        loss=DistillationLoss(float(max(1 - center @ center, 1e-3))),
        jit_compile=uses_xla(),
    )
    history = fit_batches(
        learner,
        lambda steps: LessonBatches(lessons, preprocessing, settings, steps),
        settings,
        clock,
        make_key(learner, settings, preprocessing, lessons.digest),
    )
    student.set_weights(learner.get_weights())
    return history
