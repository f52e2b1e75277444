"""Seven bits a weight: rounding by hand, and files that are whole or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from siamlab.errors import ModelError
from siamlab.models.quantization import dequantize, load_arrays, quantize, save_arrays


def test_rounding_by_hand():
    """Channel 0 reaches 6.3: a step is 0.1. Channel 1 is zero: any step keeps it."""
    numbers, step = quantize(np.array([[6.3, 0.0], [-0.26, 0.0]], np.float32))
    np.testing.assert_array_equal(numbers, [[63, 0], [-3, 0]])
    np.testing.assert_allclose(step, [0.1, 1.0])
    np.testing.assert_allclose(dequantize(numbers, step), [[6.3, 0.0], [-0.3, 0.0]], rtol=1e-6)


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=4, max_side=4),
        elements=st.floats(-100, 100, width=32, allow_subnormal=False),
    )
)
def test_the_error_is_half_a_step_at_the_most(kernel):
    numbers, step = quantize(kernel)
    assert numbers.dtype == np.int8 and step.shape == kernel.shape[-1:]
    assert (np.abs(dequantize(numbers, step) - kernel) <= 0.5001 * step + 1e-30).all()


def test_arrays_are_restored_with_their_description(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(3, 3, 2, 5)), rng.normal(size=5), rng.normal(size=(5, 4))]
    path = save_arrays(tmp_path / "m.npz", arrays, {"words": "né"})
    again, about = load_arrays(path)
    assert about == {"words": "né"}
    assert [array.dtype for array in again] == [np.float32] * 3
    np.testing.assert_array_equal(again[1], arrays[1].astype(np.float32))
    for place in (0, 2):
        np.testing.assert_allclose(
            again[place], arrays[place], atol=np.abs(arrays[place]).max() / 125
        )
    assert not np.array_equal(again[0], arrays[0].astype(np.float32))


def test_a_damaged_file_is_refused(tmp_path):
    path = save_arrays(tmp_path / "m.npz", [np.ones((2, 2))], {})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"not what m\.npz\.sha256 says"):
        load_arrays(path)


def test_a_missing_checksum_is_named(tmp_path):
    path = save_arrays(tmp_path / "m.npz", [np.ones((2, 2))], {})
    path.with_name("m.npz.sha256").unlink()
    with pytest.raises(ModelError, match="one of them is missing"):
        load_arrays(path)
