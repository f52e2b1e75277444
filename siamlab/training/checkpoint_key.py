"""What a checkpoint belongs to: the data, the settings, the network, and siamlab's version.

A training resumes only from a checkpoint of its own key; else it says what changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from siamlab import __version__
from siamlab.data.collections import Collection
from siamlab.data.pairs import PairSet
from siamlab.faces.crop import Preprocessing
from siamlab.images.digest import content_digests
from siamlab.system.backend import keras
from siamlab.training.settings import TrainingSettings

# What may change between a stop and a resume: how long, where, and how it is shown.
# Several processes learn the same from a batch as one.
_FREE = {
    *("epochs", "minutes", "every", "folder", "callbacks", "verbose", "bfloat16"),
    "distribution",
}


@dataclass(frozen=True)
class CheckpointKey:
    """What has to be the same for a training to go on from a checkpoint.

    Attributes:
        data: digest of what is trained on.
        settings: by name, as text.
        architecture: digest of the layers and the shapes of their weights.
        siamlab: its version.
        start: digest of the trained weights that a fine-tuning begins with; empty where the seed
            decides about fresh ones.
    """

    data: str
    settings: dict[str, str]
    architecture: str
    siamlab: str = __version__
    start: str = ""

    def changes(self, former: CheckpointKey) -> str:
        """What differs from a former key, such as ``the settings changed: seed``; or nothing."""
        names = sorted({*self.settings, *former.settings})
        names = [name for name in names if self.settings.get(name) != former.settings.get(name)]
        found = []
        if self.data != former.data:
            found.append("the data changed")
        if names:
            found.append(f"the settings changed: {', '.join(names)}")
        if self.architecture != former.architecture:
            found.append("the network changed")
        elif self.start != former.start:  # another network has other weights, too: that was said
            found.append("the weights to start with changed")
        if self.siamlab != former.siamlab:
            found.append(f"siamlab changed from {former.siamlab} to {self.siamlab}")
        return "; ".join(found)

    def to_dict(self) -> dict[str, Any]:
        """The key as JSON holds it."""
        return asdict(self)


def make_key(
    model: keras.Model,
    settings: TrainingSettings,
    preprocessing: Preprocessing,
    data: Callable[[], str],
    trained: bool = False,
) -> CheckpointKey | None:
    """The key of a training, or ``None`` where no checkpoint is kept.

    Args:
        model: what ``fit`` trains, before it does.
        settings: those that change what is learned are part of the key.
        preprocessing: how faces are cut.
        data: makes the digest of what is trained on; called only if it is needed.
        trained: the model's weights are part of the key: they are no fresh ones.
    """
    if settings.folder is None:
        return None
    kept = (one.name for one in fields(settings) if one.name not in _FREE)
    values = {name: _text(getattr(settings, name)) for name in kept}
    layers = [type(layer).__name__ for layer in model._flatten_layers()]
    shapes = [(tuple(weight.shape), weight.trainable) for weight in model.weights]
    return CheckpointKey(
        data=data(),
        settings={**values, "preprocessing": repr(preprocessing)},
        architecture=_digest([repr(layers), repr(shapes)]),
        start=_weights_digest(model) if trained else "",
    )


def people_digest(collection: Collection) -> str:
    """What depends on whose images are in a collection, and on their content, in order."""
    return _digest([*collection.image_people, *content_digests(collection.images)])


def pairs_digest(*pairsets: PairSet) -> str:
    """What depends on the pairs, their labels, and the content of their images, in order."""
    parts: list[str] = []
    for pairs in pairsets:
        known = dict(zip(pairs.images, content_digests(pairs.images), strict=True))
        parts += [known[image] for image in (*pairs.first, *pairs.second)]
        parts.append(repr(pairs.labels.tolist()))
    return _digest(parts)


def _weights_digest(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    return digest.hexdigest()[:32]


def _text(value: Any) -> str:
    """A setting as text; of a loss its name and its numbers, not its address."""
    if isinstance(value, keras.losses.Loss):
        return f"{type(value).__name__}{value.get_config()}"
    return repr(value)


def _digest(parts: Iterable[str]) -> str:
    whole = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()[:32]
