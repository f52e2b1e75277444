"""Attacks within an assessment: whom they are tried on, and what is counted."""

from __future__ import annotations

import pytest
from steep_model import build_steep_model

from siamlab.assessment.attack_rates import try_attacks
from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.models.siamese import Siamese

pytest.importorskip("art", reason="the extra attacks is not installed")


@pytest.fixture(scope="module")
def model() -> Siamese:
    return build_steep_model().with_metadata(preprocessing=Preprocessing(32, 0.6, alignment="none"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    people = write_people(tmp_path_factory.mktemp("people"), people=6, images=2, seed=8)
    return draw_pairs(open_collection(people), 12, 0)


def test_each_goal_has_its_pairs(model: Siamese, pairs) -> None:
    """Of 6 genuine and 6 impostor pairs, 4 each; at a middle threshold some are right."""
    found = {one.name: one for one in try_attacks(model, pairs, 0.9, most=4)}
    assert list(found) == ["fgsm_impersonation", "pgd_impersonation", "fgsm_dodging", "pgd_dodging"]
    for goal in ("impersonation", "dodging"):
        fgsm, pgd = (found[f"{kind}_{goal}"].success for kind in ("fgsm", "pgd"))
        assert fgsm.count == pgd.count <= 4  # only verdicts that were right can be turned
        if fgsm.count:
            assert 0 <= fgsm.value <= 1
    assert found["pgd_dodging"].title == "PGD, dodging, pixels changed by 4/255"


def test_what_cannot_be_turned_is_not_measured(model: Siamese, pairs) -> None:
    genuine = pairs.subset(pairs.labels == 1)
    found = {one.name: one.success for one in try_attacks(model, genuine, 1e-6, most=2)}
    assert (found["pgd_impersonation"].value, found["pgd_impersonation"].count) == (None, 0)
    assert found["pgd_dodging"].count == 2
