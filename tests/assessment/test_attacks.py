"""Attacks turn verdicts of a small model within their bound, and defenses do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from steep_model import build_steep_model

from siamlab.assessment.attack_defenses import DEFENSES, Defense, blur_defense
from siamlab.assessment.attacks import Attacked, attack_pairs, score_each
from siamlab.data.pipeline import to_float
from siamlab.errors import InputError
from siamlab.models.siamese import Siamese
from siamlab.system.backend import ops

pytest.importorskip("art", reason="the extra attacks is not installed")

COUNT = 6


@pytest.fixture(scope="module")
def model() -> Siamese:
    return build_steep_model()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (2 * COUNT, 4, 4, 3), np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def attacked(model: Siamese, images: np.ndarray, **options: object) -> Attacked:
    probes, others = images[:COUNT], images[COUNT:]
    templates = model.embed(to_float(others))
    scores = score_each(model, probes, templates)
    wanted = options.setdefault("goal", "impersonation")
    # A threshold just beyond all scores, so that every verdict can be turned.
    threshold = scores.max() + 0.001 if wanted == "impersonation" else scores.min() - 0.001
    arguments = {"kind": "pgd", "epsilon": 8 / 255, **options}
    return attack_pairs(model, probes, templates, threshold=float(threshold), **arguments)


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
@pytest.mark.parametrize("goal", ["impersonation", "dodging"])
def test_gradients_move_the_score_where_the_goal_wants_it(
    model: Siamese, images: np.ndarray, kind: str, goal: str
) -> None:
    found = attacked(model, images, kind=kind, goal=goal)
    assert found.tried.all()
    sign = 1 if goal == "impersonation" else -1
    assert (sign * (found.after - found.before) > 0).all()
    change = np.abs(found.images.astype(int) - images[:COUNT])
    assert 0 < change.max() <= 8
    assert found.images.dtype == np.uint8


def test_pgd_turns_at_least_what_fgsm_turns(model: Siamese, images: np.ndarray) -> None:
    once = attacked(model, images, kind="fgsm").turned.sum()
    often = attacked(model, images, kind="pgd").turned.sum()
    assert often >= once
    assert often > 0


def test_no_change_is_allowed_means_no_verdict_turned(model: Siamese, images: np.ndarray) -> None:
    found = attacked(model, images, epsilon=0.4 / 255, kind="fgsm")
    np.testing.assert_array_equal(found.images, images[:COUNT])
    assert not found.turned.any()


def test_scores_alone_suffice_for_the_square_attack(model: Siamese, images: np.ndarray) -> None:
    found = attacked(model, images[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]], kind="square",
                     epsilon=32 / 255)  # fmt: skip
    assert np.abs(found.images.astype(int) - images[:COUNT]).max() <= 32
    assert (found.after - found.before).max() > 0


def test_who_was_accepted_already_is_not_counted() -> None:
    before, after = np.float32([0.2, 0.8, 0.3]), np.float32([0.6, 0.9, 0.4])
    found = Attacked(np.zeros((3, 1, 1, 3), np.uint8), before, after, 0.5, "impersonation")
    assert found.tried.tolist() == [True, False, True]
    assert found.turned.tolist() == [True, False, False]
    away = Attacked(found.images, after, before, 0.5, "dodging")
    assert away.tried.tolist() == [True, True, False]
    assert away.turned.tolist() == [True, False, False]


@pytest.mark.parametrize("defense", DEFENSES, ids=lambda defense: defense.name)
def test_a_front_shows_the_attacker_what_the_door_does(defense, images: np.ndarray) -> None:
    done = defense.apply(images).astype(np.float32) / 255
    seen = np.array(ops.convert_to_numpy(defense.front(ops.convert_to_tensor(to_float(images)))))
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert np.abs(done[inner] - seen[inner]).max() < 0.02
    assert done.shape == images.shape


def test_the_gradient_goes_through_a_blur(model: Siamese, images: np.ndarray) -> None:
    """Seen through the blur, an attacker who knows it gets further than one who does not."""
    defense = blur_defense(2.0)
    probes, templates = images[:COUNT], model.embed(to_float(images[COUNT:]))

    def gain(found: Attacked) -> float:
        before = score_each(model, defense.apply(probes), templates)
        return float((score_each(model, defense.apply(found.images), templates) - before).mean())

    assert gain(attacked(model, images, front=defense.front)) > gain(attacked(model, images))


@pytest.mark.parametrize("defense", DEFENSES, ids=lambda defense: defense.name)
def test_an_attacker_can_look_through_every_defense(
    model: Siamese, images: np.ndarray, defense: Defense
) -> None:
    found = attacked(model, images, kind="pgd", front=defense.front)
    assert (found.images != images[:COUNT]).any()


@pytest.mark.parametrize(
    "options", [{"kind": "cw"}, {"goal": "fame"}, {"threshold": 1.0}, {"threshold": 0.0}]
)
def test_what_makes_no_attack_is_refused(
    model: Siamese, images: np.ndarray, options: dict[str, object]
) -> None:
    arguments = {"kind": "pgd", "epsilon": 0.1, "threshold": 0.5, **options}
    with pytest.raises(InputError):
        attack_pairs(model, images[:1], model.embed(to_float(images[:1])), **arguments)
