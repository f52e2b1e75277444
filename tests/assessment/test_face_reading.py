"""A face in memory is found and cut as the file with it would be."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.face_reading import FaceReader
from siamlab.data.collections import open_collection
from siamlab.data.faces import load_faces
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.images.decode import read_image


@pytest.mark.parametrize("alignment", ["landmarks", "box", "none"])
def test_the_face_is_that_of_the_file(alignment, drawn_lfw):
    """:func:`load_faces` is what training, evaluation and calibration read their images with."""
    preprocessing = Preprocessing(size=48, fraction=0.6, alignment=alignment)
    paths = open_collection(drawn_lfw).images[:3]
    reader = FaceReader(preprocessing)
    read = np.stack([reader.read(read_image(path)) for path in paths])
    np.testing.assert_array_equal(read, load_faces(paths, preprocessing).images)
    assert (reader.detector == "none") == (alignment == "none")


def test_an_image_without_a_face_has_none():
    reader = FaceReader(Preprocessing(size=32))
    blank = np.full((250, 250, 3), 200, np.uint8)
    if reader.detector == "guide":
        pytest.skip("there is no detector here, so a face is assumed in the middle")
    assert reader.locate(blank) is None and reader.read(blank) is None
    with pytest.raises(InputError, match="uint8 RGB"):
        reader.read(blank[..., 0])
