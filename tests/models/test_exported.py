"""Exported models without Keras: the arithmetic by hand, damaged files, and what is imported."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from siamlab.errors import InputError, MissingPackageError, ModelError
from siamlab.faces.crop import Preprocessing
from siamlab.models.export_notes import (
    CHECKSUM,
    INFO,
    MARK,
    checksum,
    read_litert_notes,
    read_onnx_notes,
)
from siamlab.models.exported import (
    ExportedModel,
    ExportInfo,
    cached_export_path,
    file_digest,
    open_cached_export,
    open_exported,
)
from siamlab.models.metadata import ModelMetadata

ROOT = Path(__file__).parents[2]
METADATA = ModelMetadata(
    arch="custom",
    preprocessing=Preprocessing(size=8, fraction=0.5),
    calibration={"threshold": 0.25},
    people=("0123",),
    versions={"siamlab": "0"},
    notes="A test, with an accent: é.",
)


def export_info(distance: str = "l1") -> ExportInfo:
    return ExportInfo("id", METADATA, (8, 8, 3), 2, distance, (1.0, -2.0), 0.5, source="abc")


def means(images: np.ndarray) -> np.ndarray:
    """A network by hand: the mean of the red and of the green channel."""
    return images.mean(axis=(1, 2))[:, :2]


@pytest.fixture(scope="module", params=["tflite", "onnx"])
def exported(request, tmp_path_factory) -> Path:
    """The same network as a file: a convolution of one pixel, averaged."""
    keras = pytest.importorskip("keras")
    from siamlab.models.export import export_model
    from siamlab.models.siamese import build_siamese

    if request.param == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("tf2onnx")
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(2, 1, use_bias=False, name="channels")(inputs)
    embedding = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    embedding.get_layer("channels").set_weights([np.eye(3, 2, dtype=np.float32)[None, None]])
    model = build_siamese(embedding, "l1", METADATA)
    model.head.set_weights([np.array([[1.0], [-2.0]]), np.array([0.5])])
    path = tmp_path_factory.mktemp("exported") / f"means.{request.param}"
    return export_model(model, path, source="abc")


def test_l1_by_hand():
    """|(1, 0) - (0.5, 1)| = (0.5, 1); 0.5 - 2 + 0.5 = -1; sigmoid(-1) = 0.268941."""
    model = ExportedModel(export_info(), means)
    scores = model.score_pairs(np.float32([1, 0]), np.float32([[0.5, 1], [1, 0]]))
    np.testing.assert_allclose(scores, [0.268941, 0.622459], atol=1e-6)
    assert scores.dtype == np.float32


def test_squared_by_hand():
    """(0.5, 1) squared is (0.25, 1); 0.25 - 2 + 0.5 = -1.25; sigmoid(-1.25) = 0.222700."""
    model = ExportedModel(export_info("squared"), means)
    score = model.score_pairs(np.float32([[1, 0]]), np.float32([[0.5, 1]]))
    np.testing.assert_allclose(score, [0.222700], atol=1e-6)


def test_scores_far_from_the_threshold_stay_finite():
    model = ExportedModel(replace(export_info(), weights=(1000.0, -1000.0)), means)
    scores = model.score_pairs(np.float32([0, 0]), np.float32([[1, 0], [0, 1]]))
    assert scores.tolist() == [1.0, 0.0]
    assert model.score_pairs(np.float32([0, 0]), np.zeros((0, 2), np.float32)).shape == (0,)


def test_export_info_survives_json():
    again = ExportInfo.from_json(export_info().to_json())
    assert vars(again) == vars(export_info())


def test_a_file_holds_network_id_and_metadata(exported):
    model = open_exported(exported)
    assert model.model_id == model.info.model_id and len(model.model_id) == 16
    assert model.metadata == METADATA and model.metadata.threshold == 0.25
    images = np.random.default_rng(0).random((5, 8, 8, 3), dtype=np.float32)
    for batch in (1, 2, 5, 64):
        np.testing.assert_allclose(model.embed(images, batch), means(images), atol=1e-6)
    first, second = images[:2], images[2:4]
    expected = ExportedModel(export_info(), means).probability(first, second)
    np.testing.assert_allclose(model.probability(first, second), expected, atol=1e-6)


def test_other_shapes_are_refused_and_no_images_give_no_embeddings(exported):
    model = open_exported(exported)
    with pytest.raises(InputError, match=r"\(N, 8, 8, 3\).*\(2, 9, 9, 3\)"):
        model.embed(np.zeros((2, 9, 9, 3), np.float32))
    assert model.embed(np.zeros((0, 8, 8, 3), np.float32)).shape == (0, 2)


def test_threads_get_their_own_results(exported):
    model = open_exported(exported)
    images = np.random.default_rng(1).random((40, 1, 8, 8, 3), dtype=np.float32)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(model.embed, images))
    np.testing.assert_allclose(np.concatenate(codes), means(images[:, 0]), atol=1e-6)


def refused(path: Path, message: str = "cannot be used") -> None:
    with pytest.raises(ModelError, match=message) as caught:
        open_exported(path)
    assert "\n" not in str(caught.value)


def test_damage_to_network_or_text_is_one_line(exported, tmp_path):
    whole = exported.read_bytes()
    path = tmp_path / f"damaged{exported.suffix}"
    end = open_exported(exported).info.network_bytes
    text = whole.index(b'"dimensions"')
    for place in [*range(40, end, end // 12), *range(text, text + 100, 12)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        refused(path)
    for part in (0.0, 0.3, 0.9, 0.999):
        path.write_bytes(whole[: int(part * len(whole))])
        refused(path)


def test_missing_and_foreign_files_are_one_line(exported, tmp_path):
    with pytest.raises(ModelError, match="No model file"):
        open_exported(tmp_path / f"absent{exported.suffix}")
    refused(tmp_path / "model.h5", "ends in")
    plain = tmp_path / f"plain{exported.suffix}"
    model = open_exported(exported)
    plain.write_bytes(exported.read_bytes()[: model.info.network_bytes])
    refused(plain)


def test_another_version_asks_for_a_new_export(tmp_path):
    path = tmp_path / "old.tflite"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(INFO, export_info().to_json().replace('"version": 2', '"version": 0'))
        archive.writestr(CHECKSUM, "")
    refused(path, "export the model again")


def test_a_missing_runtime_says_what_to_install(exported, monkeypatch):
    module = {".tflite": "ai_edge_litert.interpreter", ".onnx": "onnxruntime"}[exported.suffix]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match="pip install"):
        open_exported(exported)


KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def rewritten(exported: Path, path: Path, change, mark: str | None) -> Path:
    """The file with another text, and its digest written anew as any editor of it would."""
    content = exported.read_bytes()
    network = content[: open_exported(exported).info.network_bytes]
    text = change(read_litert_notes(content)[INFO])
    path.write_bytes(network)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(INFO, text)
        archive.writestr(CHECKSUM, checksum(network, text))
        if mark is not None:
            archive.writestr(MARK, mark)
    return path


def test_a_digest_written_anew_is_no_mark(exported, tmp_path):
    """Edited so that everybody is accepted: whole by its digest, refused by the mark."""
    if exported.suffix != ".tflite":
        pytest.skip("copies are LiteRT files")

    def accept_all(text: str) -> str:
        return text.replace('"bias": 0.5', '"bias": 99.0')

    evil = rewritten(exported, tmp_path / "evil.tflite", accept_all, None)
    assert open_exported(evil).info.bias == 99.0, "a file that somebody names is not marked"
    for mark in (None, "", "0" * 64, "é"):
        rewritten(exported, evil, accept_all, mark)
        with pytest.raises(ModelError, match="mark"):
            open_exported(evil, KEY)


def test_numbers_that_do_not_fit_are_one_line(exported, tmp_path):
    if exported.suffix != ".tflite":
        pytest.skip("the text is the same in both kinds of files")
    for old, new in (
        ('"weights": [1.0, -2.0]', '"weights": [1.0]'), ('"bias": 0.5', '"bias": NaN'),
        ('"distance": "l1"', '"distance": "l7"'), ('"network_bytes": ', '"network_bytes": 9'),
        ('"metadata": {', '"metadata": {"x": 1, '), ('"dimensions": 2', '"dimensions": "two"'),
    ):  # fmt: skip
        edited = rewritten(
            exported,
            tmp_path / "edited.tflite",
            lambda text, a=old, b=new: text.replace(a, b),
            None,
        )
        refused(edited)


def test_notes_are_read_without_the_runtime_and_never_hang(exported):
    content = exported.read_bytes()
    reader = read_litert_notes if exported.suffix == ".tflite" else read_onnx_notes
    assert set(reader(content)) == {INFO, CHECKSUM}
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(content[: int(rng.integers(1, len(content)))])
        for place in rng.integers(0, len(damaged), 9):
            damaged[place] = int(rng.integers(256))
        try:
            assert isinstance(reader(bytes(damaged)), dict)
        except (ValueError, IndexError, KeyError, zipfile.BadZipFile, NotImplementedError, OSError):
            pass
        except Exception as error:
            assert "decompress" in str(error) or isinstance(error, RuntimeError)


def test_a_cached_export_is_used_when_it_is_whole_of_this_file_and_marked(exported, tmp_path):
    if exported.suffix != ".tflite":
        pytest.skip("copies are LiteRT files")
    from siamlab.models.export import _add_notes

    model_file = tmp_path / "m[1].keras"
    assert open_cached_export(model_file, tmp_path, KEY) is None
    model_file.write_bytes(b"a model")
    assert open_cached_export(model_file, tmp_path, KEY) is None
    digest = file_digest(model_file)
    copy = cached_export_path(model_file, digest, tmp_path)
    copy.parent.mkdir()
    whole, info = exported.read_bytes(), open_exported(exported).info

    def write(source: str, key: bytes | None) -> None:
        copy.write_bytes(whole[: info.network_bytes])
        _add_notes(copy, replace(info, source=source), key)

    write("abc", KEY)
    assert open_cached_export(model_file, tmp_path, KEY) is None, "it is the copy of another file"
    write(digest, None)
    assert open_cached_export(model_file, tmp_path, KEY) is None, "it bears no mark"
    write(digest, OTHER_KEY)
    assert open_cached_export(model_file, tmp_path, KEY) is None, "it is from another workspace"
    write(digest, KEY)
    assert open_cached_export(model_file, tmp_path, None) is None, "there is no key yet"
    assert open_cached_export(model_file, tmp_path, KEY).metadata == METADATA
    copy.write_bytes(copy.read_bytes()[:-1])
    assert open_cached_export(model_file, tmp_path, KEY) is None


VERIFY = """
import sys
import numpy as np
from siamlab.gallery import Gallery
from siamlab.models.exported import open_exported
from siamlab.verification.verifier import Verifier
model = open_exported(sys.argv[1])
verifier = Verifier(model, Gallery(sys.argv[2]))
chip = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
verifier.enroll("Ada", [chip], aligned=True, consent="drawn")
print(verifier.verify_aligned(chip, "Ada").verified, file=sys.stderr)
print([name for name in ("keras", "tensorflow", "jax", "torch") if name in sys.modules])
"""


def test_verification_loads_neither_keras_nor_tensorflow(exported, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", VERIFY, str(exported), str(tmp_path / "gallery")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"
    # The verdict only: LiteRT's notices are suppressed.
    assert done.stderr.strip() == "True"
