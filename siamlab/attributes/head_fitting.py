"""The fit of a head: features and labels in, weights out.

A hidden layer, a softmax over years against bells around the labels, and a sigmoid for gender.
Faces and their mirror images are trained on; it stops when the validation part gets no better.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siamlab.attributes.age import LEVEL, YEARS, age_interval, soft_labels
from siamlab.attributes.attribute_head import ARRAYS, AttributeHead
from siamlab.attributes.face_features import FaceFeatures
from siamlab.data.utkface import LabeledFaces
from siamlab.system.backend import keras, layers, set_seed, uses_xla

LEAST_STEPS = 150
_NEWS = 10.0  # seconds between two lines of progress
Part = tuple[FaceFeatures, LabeledFaces]


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted; chosen on the validation part of UTKFace.

    Attributes:
        units: of the hidden layer.
        spread: of the bells around the ages, years.
        dropout: shares of the features and of the hidden units left out at each step.
        gender_weight: of the gender's loss beside the age's, which is larger by itself.
        label_smoothing: of the genders. Some labels are wrong, and a head that is not to be surer
            than they are was right a little more often on faces left out, and its probabilities
            came closer to what was true.
        rate: learning rate of AdamW at its peak.
        decay: its weight decay.
        batch: faces in a step.
        epochs: passes over the faces, more of them where a pass is a few steps
            (:data:`LEAST_STEPS`); the learning rate falls to nothing over them.
        seed: of the fresh weights, the dropout and the order.
    """

    units: int = 512
    spread: float = 3.0
    dropout: tuple[float, float] = (0.2, 0.5)
    gender_weight: float = 3.0
    label_smoothing: float = 0.06
    rate: float = 1e-3
    decay: float = 1e-2
    batch: int = 256
    epochs: int = 12
    seed: int = 0


def fit_head(
    train: Part,
    valid: Part,
    settings: HeadSettings | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> AttributeHead:
    """Fit a head.

    Args:
        train: features and labels to learn from.
        valid: those that choose when to stop, and from which probability a gender is given.
        settings: see there.
        say: gets lines about the progress.

    Returns:
        The weights of the epoch that was best on ``valid``.
    """
    settings = settings or HeadSettings()
    set_seed(settings.seed)
    seen = train[0].values.reshape(-1, train[0].values.shape[-1]).astype(np.float32)
    mean, scale = seen.mean(axis=0), 1 / (seen.std(axis=0) + 1e-3)
    network = _build(seen.shape[1], settings)
    each = -(-len(seen) // settings.batch)
    epochs = max(settings.epochs, -(-LEAST_STEPS // each))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * each, warmup_target=settings.rate, warmup_steps=epochs * each // 20
    )
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=settings.decay),
        loss={
            "age": "categorical_crossentropy",
            "gender": keras.losses.BinaryCrossentropy(label_smoothing=settings.label_smoothing),
        },
        loss_weights={"age": 1.0, "gender": settings.gender_weight},
        jit_compile=uses_xla(),
    )
    best = _Best(valid, mean, scale, say)
    network.fit(
        (seen - mean) * scale, _targets(train[1], settings), batch_size=settings.batch,
        epochs=epochs, callbacks=[best], verbose=0,
    )  # fmt: skip
    return best.head()


def _build(inputs: int, settings: HeadSettings) -> keras.Model:
    """Features to a distribution over years and a probability; only while it is trained."""
    values = keras.Input((inputs,), name="features")
    x = layers.Dropout(settings.dropout[0])(values)
    x = layers.Dense(settings.units, "relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout[1])(x)
    age = layers.Dense(len(YEARS), "softmax", name="age")(x)
    gender = layers.Dense(1, "sigmoid", name="gender")(x)
    return keras.Model(values, {"age": age, "gender": gender})


def _targets(labels: LabeledFaces, settings: HeadSettings) -> dict[str, np.ndarray]:
    """What to aim at, for each face and its mirror image."""
    return {
        "age": soft_labels(labels.ages, settings.spread).repeat(2, axis=0),
        "gender": labels.genders.astype(np.float32).repeat(2)[:, None],
    }


class _Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the smallest error on the validation part."""

    def __init__(
        self, valid: Part, mean: np.ndarray, scale: np.ndarray, say: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.valid, self.mean, self.scale, self.say = valid, mean, scale, say
        self.lowest, self.kept, self.last = np.inf, AttributeHead({}, {}), time.monotonic()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Judge the validation part, in years and in wrong genders that count 20 years each."""
        found = self._head()
        features, labels = self.valid
        prediction = found.predict(features)
        off = float(np.abs(prediction.ages - labels.ages).mean())
        right = float((prediction.women == (labels.genders == 1)).mean())
        if off - 20 * right < self.lowest:
            self.lowest, self.kept = off - 20 * right, found
        now = time.monotonic()
        if now - self.last >= _NEWS or epoch + 1 == self.params["epochs"]:
            self.last = now
            self.say(
                f"epoch {epoch + 1} of {self.params['epochs']}: on the validation part age off by "
                f"{off:.2f} years, gender right {right:.3f}"
            )

    def head(self) -> AttributeHead:
        """The kept weights, with what the validation part says of their honesty."""
        features, labels = self.valid
        prediction = self.kept.predict(features)
        self.kept.about["mass"] = interval_mass(prediction.age_probabilities, labels.ages)
        self.kept.about["sure_from"] = sure_from(
            prediction.woman_probabilities, labels.genders == 1
        )
        return self.kept

    def _head(self) -> AttributeHead:
        arrays = {"mean": self.mean, "scale": self.scale}
        for name in ("hidden", "age", "gender"):
            kernel, bias = self.model.get_layer(name).get_weights()
            arrays |= {name: kernel, f"{name}_bias": bias}
        return AttributeHead(
            {name: arrays[name] for name in ARRAYS},
            {"level": LEVEL, "mass": LEVEL, "sure_from": 0.5},
        )


def interval_mass(probabilities: np.ndarray, ages: np.ndarray, level: float = LEVEL) -> float:
    """The least share of a distribution whose interval holds ``level`` of the ages.

    Args:
        probabilities: ``(N, 101)``.
        ages: ``(N,)``.
        level: share of the ages; the largest share that is tried is 0.98.
    """
    for mass in np.arange(0.3, 0.98, 0.02):
        low, high = age_interval(probabilities, mass).T
        if ((low <= ages) & (ages <= high)).mean() >= level:
            return float(mass)
    return 0.98


def sure_from(probabilities: np.ndarray, women: np.ndarray, wrong: float = 0.02) -> float:
    """The least probability from which on at most ``wrong`` of the genders given are wrong.

    Args:
        probabilities: ``(N,)``, of being a woman.
        women: bool ``(N,)``.
        wrong: share.

    Example:
        >>> from siamlab.attributes.head_fitting import sure_from
        >>> sure_from(np.array([0.9, 0.2, 0.4, 0.8]), np.array([True, False, True, True]))
        0.8
    """
    most = np.maximum(probabilities, 1 - probabilities)
    order = np.argsort(-most)
    errors = np.cumsum((probabilities >= 0.5)[order] != women[order])
    allowed = np.flatnonzero(errors <= wrong * np.arange(1, len(order) + 1))
    return float(most[order[allowed[-1]]]) if len(allowed) else 1.0
