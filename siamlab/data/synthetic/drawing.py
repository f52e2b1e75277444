"""Face chips and webcam frames of an :class:`Identity` under :class:`Conditions`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.features import make_surface
from siamlab.data.synthetic.geometry import View, head_shape, make_view, strike
from siamlab.data.synthetic.hair import Layer, back_hair, front_hair, hair_reach, make_cut
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.light import Lamp, light_head, make_lamp
from siamlab.data.synthetic.maps import face_maps
from siamlab.data.synthetic.scene import background, draw_body, draw_ear, draw_glasses
from siamlab.errors import InputError
from siamlab.images.decode import LUMA
from siamlab.system.opencv import import_cv2

CHIP_UNITS = 250.0  # a chip's side in the units of the face
BOX_UNITS = CHIP_UNITS / 2.2  # and the face box's in it, as in LFW
FRAME_SHARE = 0.4  # of a frame's height that the face box takes at scale 1


def draw_face(
    identity: Identity, conditions: Conditions | np.random.Generator, size: int = 250
) -> np.ndarray:
    """Draw a face chip in LFW's geometry.

    Args:
        identity: the person.
        conditions: the conditions, or a generator to draw them from (:meth:`Conditions.sample`).
        size: side of the chip, pixels; the face box is its central 1/2.2 at scale 1, shift 0.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        InputError: ``size`` is below 16.

    Example:
        >>> draw_face(Identity(7), Conditions(yaw=20.0)).shape
        (250, 250, 3)
    """
    conditions = conditions if isinstance(conditions, Conditions) else Conditions.sample(conditions)
    return compress(expose_chip(identity, conditions, size), conditions.jpeg)


def draw_frame(
    identity: Identity, conditions: Conditions, size: tuple[int, int] = (640, 480)
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Draw a webcam frame.

    Args:
        identity: the person.
        conditions: the conditions.
        size: width and height of the frame, pixels.

    Returns:
        The frame, uint8 (height, width, 3), RGB; and the true face box (x, y, side) in pixels,
        as the Viola-Jones detector draws it.

    Raises:
        InputError: the frame is smaller than 32 pixels.

    Example:
        >>> frame, (x, y, side) = draw_frame(Identity(7), Conditions())
    """
    width, height = size
    if min(size) < 32:
        raise InputError(f"A frame must be 32 pixels or more; received {width} x {height}.")
    nominal = FRAME_SHARE * height
    scale = conditions.scale * nominal / BOX_UNITS
    middle = (
        0.5 * width + conditions.shift_x * nominal,
        0.5 * height + conditions.shift_y * nominal,
    )
    frame = _expose(identity, conditions, (width, height), middle, scale)
    side = scale * BOX_UNITS
    return compress(frame, conditions.jpeg), (middle[0] - side / 2, middle[1] - side / 2, side)


def expose_chip(identity: Identity, conditions: Conditions, size: int) -> np.ndarray:
    """A chip before JPEG: uint8 (size, size, 3), RGB."""
    if size < 16:
        raise InputError(f"A chip must be 16 pixels or more; received {size}.")
    unit = size / CHIP_UNITS
    middle = (
        0.5 * size + conditions.shift_x * BOX_UNITS * unit,
        0.5 * size + conditions.shift_y * BOX_UNITS * unit,
    )
    return _expose(identity, conditions, (size, size), middle, conditions.scale * unit)


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after JPEG at ``quality``; unchanged at 100 or more."""
    if quality >= 100:
        return image
    cv2 = import_cv2()
    return np.asarray(cv2.imdecode(encode(image, quality), cv2.IMREAD_COLOR_RGB))


def encode(image: np.ndarray, quality: int) -> np.ndarray:
    """A JPEG file's bytes, uint8 (n,)."""
    cv2 = import_cv2()
    options = [cv2.IMWRITE_JPEG_QUALITY, int(min(100, quality))]
    return np.asarray(cv2.imencode(".jpg", image[..., ::-1], options)[1])


def _expose(
    identity: Identity,
    conditions: Conditions,
    size: tuple[int, int],
    middle: tuple[float, float],
    scale: float,
) -> np.ndarray:
    """Render and photograph: uint8 (height, width, 3), RGB."""
    width, height = size
    lamp = make_lamp(conditions)
    light = background(conditions.scene, width, height) * (lamp.around + 0.55 * lamp.key)
    _draw_person(light, identity, conditions, make_view(conditions, middle, scale), lamp)
    # Exposed for the face, as photographers do: longer for dark skin.
    light *= np.float32(np.clip(np.sqrt(150.0 / np.mean(identity.skin)), 1.0, 1.5))
    return _photograph(light, conditions, scale)


def _draw_person(
    light: np.ndarray, who: Identity, conditions: Conditions, view: View, lamp: Lamp
) -> None:
    # Maps a little finer than the image, whatever the size of the face in it: they are kept
    # between images, and the skin in a video must not change when the head comes nearer.
    usual = view.scale / max(conditions.scale, 0.1)
    density = float(np.clip(np.ceil(usual * 1.3 * 2) / 2, 0.5, 4.0))
    surface = make_surface(who, conditions, face_maps(who, density))
    shape = head_shape(who, surface.drop)
    face = _window(light.shape, view, 68, -88, 100)
    hits = strike(shape, view, *face, surface.relief, density)
    head = np.zeros(light.shape[:2], np.float32)
    head[face] = hits.cover(view.scale)
    wide = _window(light.shape, view, *hair_reach(who))
    behind = back_hair(who, view, lamp, *wide)
    if behind is not None:
        _lay(light[wide], behind)
    draw_body(light, who, view, lamp, conditions.scene, head)
    ears = () if make_cut(who).ears else (-1.0, 1.0)
    near = [side for side in ears if side * view.turn[2, 0] > 0.06]
    for side in ears:
        if side not in near:
            draw_ear(light, who, view, lamp, side)
    hair, shade = front_hair(who, view, lamp, *wide)
    shadow = np.zeros_like(head)
    shadow[wide] = shade
    skin = light_head(surface, shape, hits, view, lamp) * (1.0 - shadow[face])[..., None]
    _lay(light[face], Layer(skin, head[face]))
    for side in near:
        draw_ear(light, who, view, lamp, side)
    _lay(light[wide], hair)
    if who.glasses != "none":
        draw_glasses(light, who, view, lamp)


def _window(
    shape: tuple[int, ...], view: View, aside: float, above: float, below: float
) -> tuple[slice, slice]:
    """The part of the image that a shape can reach, from units around the head's center."""
    x, y = view.middle
    rows = _span(y + above * view.scale, y + below * view.scale, shape[0])
    return rows, _span(x - aside * view.scale, x + aside * view.scale, shape[1])


def _span(low: float, high: float, size: int) -> slice:
    """Pixels from ``low`` to ``high`` within the image, at least one."""
    start = min(max(0, int(low)), size - 1)
    return slice(start, min(size, max(start + 1, int(high) + 1)))


def _lay(area: np.ndarray, layer: Layer) -> None:
    area += layer.cover[..., None] * (layer.light - area)


def _photograph(light: np.ndarray, conditions: Conditions, scale: float) -> np.ndarray:
    """The camera: lens blur, tone, noise."""
    cv2 = import_cv2()
    if conditions.blur * scale > 0.25:
        light = cv2.GaussianBlur(light, (0, 0), conditions.blur * scale)
    # A soft shoulder instead of a hard clip: 0.18 stays, 1 becomes about 0.8.
    shoulder = light * np.float32(0.42)
    shoulder += np.float32(1.0)
    gray = light * np.float32(0.12)
    gray += np.float32(1.0)
    gray *= light
    gray /= shoulder
    np.maximum(gray, 0.0, out=gray)
    np.sqrt(gray, out=gray)
    gray *= np.float32(255.0 * conditions.contrast)
    gray += np.float32(118.0 * (1.0 - conditions.contrast))
    if conditions.saturation != 1.0:
        luma = (gray @ LUMA.astype(np.float32))[..., None]
        gray = luma + (gray - luma) * np.float32(conditions.saturation)
    if conditions.noise > 0:
        gray += _sensor_noise(conditions, light.shape)
    gray += np.float32(0.5)
    return np.asarray(np.clip(gray, 0, 255, out=gray).astype(np.uint8))


def _sensor_noise(conditions: Conditions, shape: tuple[int, ...]) -> np.ndarray:
    grain = _grain()
    rng = np.random.default_rng(conditions.grain)
    rows = (np.arange(shape[0]) + int(rng.integers(grain.shape[0]))) % grain.shape[0]
    start = int(rng.integers(grain.shape[1]))
    columns = (np.arange(shape[1]) + start) % grain.shape[1]
    return np.asarray(grain[rows][:, columns] * np.float32(conditions.noise))[..., None]


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Normal noise to take pieces from: fresh noise would cost a tenth of an image's time."""
    return np.random.default_rng(0x6A1).standard_normal((719, 1021), dtype=np.float32)
