"""Export: embeddings and scores of the written file against Keras, and what is refused."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras writes LiteRT from the TensorFlow backend", allow_module_level=True)

from siamlab.errors import InputError, MissingPackageError, ModelError
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.export import _convert, cache_export, export_model
from siamlab.models.exported import SUFFIXES, open_cached_export, open_exported
from siamlab.models.layers import PairDistance
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.saving import save_model
from siamlab.models.siamese import Siamese, build_siamese

KEY = b"k" * 32


def with_random_offsets(model: Siamese, seed: int, weight_scale: float) -> Siamese:
    """Give every bias, mean and variance a value of its own, as training does."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    model.head.set_weights(
        [generator.normal(0, weight_scale, model.head.kernel.shape), generator.normal(0, 1, (1,))]
    )
    return model


def tiny(offset: float = 0.0) -> Siamese:
    """The mean of each channel as embedding: quick to convert."""
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1.0, offset)(inputs)
    return build_siamese(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))


def metadata(arch: str, size: int) -> ModelMetadata:
    return ModelMetadata(
        arch=arch,
        preprocessing=Preprocessing(size=size, fraction=0.5),
        calibration={"threshold": 0.375},
        people=digests(["Ada", "Grace"]),
    )


@pytest.fixture(scope="module")
def models() -> dict[str, Siamese]:
    """What verifies: Koch with L1, compact mirrored with squares."""
    keras.utils.set_random_seed(0)
    koch = build_siamese(build_embedding("koch", (60, 60, 3), 0.05), "l1", metadata("koch", 60))
    base = build_embedding("compact", (32, 32, 3), width=0.25)
    compact = build_siamese(mirrored(base), "squared", metadata("compact", 32))
    return {
        "koch": with_random_offsets(koch, 1, 2),
        "compact": with_random_offsets(compact, 2, 200),
    }


@pytest.fixture(
    scope="module",
    params=[f"{name}-{form}" for name in ("koch", "compact") for form in SUFFIXES],
)
def pair(request, models, tmp_path_factory) -> tuple[Siamese, Path]:
    """A model and the file it was exported to."""
    arch, form = request.param.split("-")
    if form == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("tf2onnx")
    path = tmp_path_factory.mktemp("export") / f"{arch}{SUFFIXES[form]}"
    assert export_model(models[arch], path, form, weights="float32") == path
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    return models[arch], path


def images_for(model: Siamese, count: int) -> np.ndarray:
    shape = (count, *model.embedding.input_shape[1:])
    # From dark to light: their embeddings, and so the scores, differ.
    light = np.linspace(0.1, 1, count, dtype=np.float32)[:, None, None, None]
    return light * np.random.default_rng(3).random(shape, dtype=np.float32)


def test_embeddings_and_scores_equal_keras(pair):
    model, path = pair
    exported = open_exported(path)
    images = images_for(model, 7)
    expected = model.embed(images)
    for batch in (1, 3, 64):  # batches of other sizes than the converter saw
        np.testing.assert_allclose(exported.embed(images, batch), expected, atol=1e-4)
    templates = exported.embed(images)
    np.testing.assert_allclose(
        exported.score_pairs(templates[0], templates),
        model.score_pairs(expected[0], expected),
        atol=1e-4,
    )
    whole = np.asarray(model([images, images[::-1]]))[:, 0]
    assert np.ptp(whole) > 0.01, "scores that are all alike would prove nothing"
    np.testing.assert_allclose(exported.probability(images, images[::-1]), whole, atol=1e-4)


def test_exported_and_keras_model_share_id_and_metadata(pair):
    model, path = pair
    exported = open_exported(path)
    assert exported.model_id == model.model_id
    assert exported.metadata == model.metadata


def test_the_onnx_file_runs_in_plain_onnx_runtime(pair):
    model, path = pair
    if path.suffix != ".onnx":
        pytest.skip("an .onnx file is looked at")
    import json

    import onnx
    import onnxruntime

    onnx.checker.check_model(onnx.load(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = images_for(model, 2)
    (codes,) = session.run(None, {session.get_inputs()[0].name: images})
    notes = json.loads(session.get_modelmeta().custom_metadata_map["siamlab.json"])
    difference = np.abs(codes[0] - codes[1])
    distance = difference if notes["distance"] == "l1" else difference**2
    by_hand = 1 / (1 + np.exp(-(distance @ notes["weights"] + notes["bias"])))
    assert by_hand == pytest.approx(np.asarray(model([images[:1], images[1:]])).item(), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "form", "message"),
    [
        ("model.h5", None, "onnx or .*Received: model.h5"),
        ("model", None, "onnx or .*Received: model"),
        ("model.onnx", "litert", r"ends in \.tflite"),
        ("model.tflite", "onnx", r"ends in \.onnx"),
        ("model.onnx", "torch", "Received: torch"),
    ],
)
def test_wrong_names_are_one_line(models, tmp_path, name, form, message):
    with pytest.raises(InputError, match=message) as caught:
        export_model(models["compact"], tmp_path / name, form)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_distance_of_your_own_is_refused(models, tmp_path):
    class Product(PairDistance):
        def compare(self, anchor, other):
            return anchor * other

    model = Siamese(models["compact"].embedding, Product(name="distance"))
    with pytest.raises(InputError, match=r"l1, squared.*Product"):
        export_model(model, tmp_path / "m.tflite")


def test_a_file_that_differs_from_keras_never_appears(tmp_path, monkeypatch):
    path = tmp_path / "m.tflite"
    path.write_bytes(b"the previous file")
    convert = _convert
    monkeypatch.setattr(
        "siamlab.models.export._convert",
        lambda _, *how: convert(tiny(0.02).embedding, *how),
    )
    with pytest.raises(ModelError, match=r"differs from Keras by 2\.0e-02; at most 0\.01"):
        export_model(tiny(), path)
    with pytest.raises(ModelError, match=r"at most 0\.0001 is accepted\. Use the \.keras file"):
        export_model(tiny(), path, weights="float32")
    assert path.read_bytes() == b"the previous file" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ImportError("no tf2onnx"), MissingPackageError, r'pip install "siamlab\[onnx\]"'),
        (ValueError("unknown\nlayer"), ModelError, "cannot be converted to onnx: unknown$"),
    ],
)
def test_errors_of_converters_are_one_line(models, tmp_path, monkeypatch, error, kind, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(models["compact"].embedding, "export", fail)
    with pytest.raises(kind, match=message):
        export_model(models["compact"], tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_int8_is_a_quarter_of_the_size_and_nearly_the_same(models, tmp_path):
    model = models["compact"]
    small = export_model(model, tmp_path / "small.tflite")
    exact = export_model(model, tmp_path / "exact.tflite", weights="float32")
    assert small.stat().st_size < 0.4 * exact.stat().st_size
    images = images_for(model, 6)
    expected, quick = model.embed(images), open_exported(small)
    assert quick.model_id == model.model_id, "templates of one serve the other"
    difference = np.abs(quick.embed(images) - expected).max()
    assert 1e-4 < difference < 0.01, "eight bits are seen, but hardly"
    # Each image has its own scale, so that it does not matter beside which it stands.
    np.testing.assert_allclose(quick.embed(images), quick.embed(images, batch=1), atol=1e-5)


@pytest.mark.parametrize(("form", "weights"), [("onnx", "int8"), ("litert", "float16")])
def test_weights_that_a_format_has_not_are_refused(models, tmp_path, form, weights):
    with pytest.raises(InputError, match=f"Received: {weights} for {form}") as caught:
        export_model(models["compact"], tmp_path / f"m{SUFFIXES[form]}", weights=weights)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_copy_is_exact_where_eight_bits_are_too_few(tmp_path, monkeypatch):
    model = tiny()
    file = save_model(model, tmp_path / "m.keras", optimizer=False)
    convert, kinds = _convert, []

    def worse_in_int8(embedding, path, form, weights):
        kinds.append(weights)
        convert(tiny(0.02).embedding if weights == "int8" else embedding, path, form, weights)

    monkeypatch.setattr("siamlab.models.export._convert", worse_in_int8)
    cache_export(model, file, tmp_path, KEY)
    assert kinds == ["int8", "float32"]
    images = images_for(model, 3)
    copy = open_cached_export(file, tmp_path, KEY)
    np.testing.assert_allclose(copy.embed(images), model.embed(images), atol=1e-5)


def test_a_cached_export_follows_its_model_file(tmp_path):
    model, folder = tiny(), tmp_path / "models"
    file = save_model(model, tmp_path / "faces [1].keras", optimizer=False)
    assert open_cached_export(file, folder, KEY) is None
    first = cache_export(model, file, folder, KEY)
    assert open_cached_export(file, folder, KEY).model_id == model.model_id
    save_model(model.with_metadata(notes="calibrated again"), file, optimizer=False)
    assert open_cached_export(file, folder, KEY) is None, (
        "the file changed, its old copy no longer counts"
    )
    second = cache_export(model, file, folder, KEY)
    assert second != first and [second] == list(second.parent.iterdir())
    assert open_cached_export(file, folder, KEY).metadata.notes == "calibrated again"
