"""The steps of an embedding network, read from the Keras model for a figure or a table.

Normalization and activation are folded into the layer before them, and a residual block is one
step. The model is functional or sequential, and may be nested in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from siamlab.errors import InputError

# Layers folded into the step before; those of _BEFORE are folded into the step after.
_AFTER = {
    "BatchNormalization": "norm",
    "LayerNormalization": "norm",
    "GroupNormalization": "norm",
    "UnitNormalization": "unit length",
    "Rescaling": "",
    "ReLU": "ReLU",
    "LeakyReLU": "leaky ReLU",
    "Activation": "",
    "Dropout": "dropout",
    "SpatialDropout2D": "dropout",
}
_BEFORE = {"Rescaling", "Flatten"}
_NAMES = {"relu": "ReLU", "sigmoid": "sigmoid", "linear": "", "tanh": "tanh", "softmax": "softmax"}


@dataclass(frozen=True)
class Step:
    """One step of a network.

    Attributes:
        name: the layer's name, or the common part of the names in a block.
        kind: ``input``, ``conv``, ``pool``, ``block``, ``dense`` or ``other``.
        kernel: such as ``10×10``, ``max 2×2`` or ``3×3, 3×3 /2``; empty when there is none.
        channels: output channels or units.
        then: layers folded into the step, such as ``norm, ReLU``.
        shape: output shape without the batch.
        weights: number of weights.
        layer: the last Keras layer of the step.
    """

    name: str
    kind: str
    kernel: str
    channels: int
    then: str
    shape: tuple[int, ...]
    weights: int
    layer: Any = None


def core_network(embedding: Any) -> Any:
    """The network inside a wrapper such as ``mirrored``, or the network itself."""
    layers = getattr(embedding, "layers", [])
    inner = [layer for layer in layers if getattr(layer, "layers", None)]
    return core_network(inner[0]) if inner else embedding


def embeds_mirror_image(embedding: Any) -> bool:
    """Whether the network is wrapped by ``siamlab.models.embedding.mirrored``."""
    return any(type(layer).__name__ == "Mirror" for layer in getattr(embedding, "layers", []))


def network_steps(embedding: Any) -> tuple[Step, ...]:
    """The steps of an embedding network, the input first.

    Args:
        embedding: a built Keras model of one input and one output.

    Raises:
        InputError: the model has no layers to show, or several inputs.
    """
    core = core_network(embedding)
    if not getattr(core, "layers", None) or len(getattr(core, "inputs", [])) != 1:
        raise InputError(
            "A figure needs a functional or sequential Keras model with one input. Received: "
            f"{type(core).__name__}."
        )
    shape = tuple(core.input_shape[1:])
    steps = [Step("input", "input", "", shape[-1], "", shape, 0)]
    waiting: list[Any] = []
    for group in _groups(core):
        kind = type(group[-1]).__name__
        if len(group) == 1 and (kind in _BEFORE or (waiting and kind in _AFTER)):
            waiting += group
        elif len(group) == 1 and kind in _AFTER and len(steps) > 1:
            steps[-1] = _folded(steps[-1], group[0])
        else:
            steps.append(_step([*waiting, *group], block=len(group) > 1))
            waiting = []
    for layer in waiting:  # no step comes after them
        steps[-1] = _folded(steps[-1], layer)
    return tuple(_together(steps))


def _together(steps: Sequence[Step]) -> Iterator[Step]:
    """Equal residual blocks in a row as one step, ``residual ×3``."""
    for same, group in groupby(steps, _likeness):
        blocks = list(group)
        if same is None or len(blocks) == 1:
            yield from blocks
        else:
            name, weights = f"{blocks[0].name} ×{len(blocks)}", sum(one.weights for one in blocks)
            yield replace(blocks[-1], name=name, weights=weights)


def _likeness(step: Step) -> tuple[object, ...] | None:
    if step.kind != "block":
        return None
    return step.name, step.kernel, step.shape, step.weights


def _groups(core: Any) -> Iterator[list[Any]]:
    """Layers in order, with those between a fork and its join in one group.

    A layer ends a group when no connection skips it.
    """
    layers = [layer for layer in core.layers if type(layer).__name__ != "InputLayer"]
    place = {layer.name: number for number, layer in enumerate(layers)}
    reach = -1
    links = _links(core)
    group: list[Any] = []
    for number, layer in enumerate(layers):
        group.append(layer)
        ahead = [place[child] for parent, child in links if parent == layer.name and child in place]
        # The input itself may be where a fork begins.
        if number == 0:
            inputs = [place[child] for parent, child in links if parent not in place]
            reach = max([reach, *inputs])
        if number >= reach:
            yield group
            group = []
        reach = max([reach, *ahead])
    if group:
        yield group


def _links(core: Any) -> list[tuple[str, str]]:
    """(parent, child) names of all connections, from the model's configuration."""
    links = []
    for entry in core.get_config().get("layers", []):
        for parent in _parents(entry.get("inbound_nodes", [])):
            links.append((parent, entry.get("name") or entry["config"]["name"]))
    return links


def _parents(nodes: Any) -> Iterator[str]:
    if isinstance(nodes, dict):
        history = nodes.get("keras_history")
        if history:
            yield history[0]
        for value in nodes.values():
            yield from _parents(value)
    elif isinstance(nodes, list | tuple):
        for value in nodes:
            yield from _parents(value)


def _folded(step: Step, layer: Any) -> Step:
    """The step with one more layer at its end."""
    word = _AFTER[type(layer).__name__] or _activation(layer)
    return replace(
        step,
        then=", ".join(filter(None, (step.then, word))),
        shape=_shape(layer),
        weights=step.weights + layer.count_params(),
        layer=layer,
    )


def _activation(layer: Any) -> str:
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", "")
    return _NAMES.get(name, name)


def _shape(layer: Any) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:])


def _step(layers: list[Any], block: bool) -> Step:
    last = layers[-1]
    shape = _shape(last)
    then = ["flatten"] if any(type(layer).__name__ == "Flatten" for layer in layers[:-1]) else []
    if _activation(last):
        then.append(_activation(last))
    return Step(
        name=_block_name(layers) if block else last.name,
        kind="block" if block else _kind(last),
        kernel=_block_kernel(layers) if block else _kernel(last),
        channels=int(shape[-1]),
        then="add input" if block else ", ".join(then),
        shape=shape,
        weights=sum(layer.count_params() for layer in layers),
        layer=last,
    )


def _kind(layer: Any) -> str:
    name = type(layer).__name__
    for part, kind in (("Conv", "conv"), ("Pool", "pool"), ("Dense", "dense")):
        if part in name:
            return kind
    return "other"


def by_times(sides: Iterable[int]) -> str:
    """Sides as text: ``10×10``."""
    return "×".join(map(str, sides))


def _kernel(layer: Any) -> str:
    if hasattr(layer, "kernel_size"):
        stride = max(np.ravel(getattr(layer, "strides", None) or 1))
        return by_times(layer.kernel_size) + (f" /{stride}" if stride > 1 else "")
    name = type(layer).__name__
    if "Pool" in name:
        how = "max" if "Max" in name else "mean"
        size = by_times(layer.pool_size) if hasattr(layer, "pool_size") else "of all"
        return f"{how} {size}"
    return ""


def _block_kernel(layers: list[Any]) -> str:
    """Kernels of the block's convolutions, the 1×1 of its shortcut left out."""
    kernels = [
        _kernel(layer)
        for layer in layers
        if hasattr(layer, "kernel_size") and max(layer.kernel_size) > 1
    ]
    return ", ".join(kernels)


def _block_name(layers: list[Any]) -> str:
    """The first word of the layers' names when they share it."""
    words = {layer.name.replace("/", "_").split("_")[0] for layer in layers}
    return words.pop() if len(words) == 1 else "residual"
