"""Several embedding networks joined to one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from siamlab.models.hog_lda import GRADIENTS
from siamlab.models.layers import CentralView
from siamlab.system.backend import keras, layers


def committee(
    members: Sequence[keras.Model],
    fractions: Sequence[float],
    votes: ArrayLike | None = None,
) -> keras.Model:
    """Join networks that see an image differently; their unit embeddings side by side.

    The cosine of two such embeddings is the mean of the members' cosines, weighed by their votes,
    so that one member can outvote what another errs in. Networks that see different parts of an
    image err more independently than networks that differ in their first weights alone (Sun et al.
    2014, "Deep Learning Face Representation from Predicting 10,000 Classes", section 3.3).

    Args:
        members: unit embeddings come out; all take images of one shape.
        fractions: what each was trained to see, as a share of a face chip's side.
        votes: how much each member's cosine counts, at least 0; alike when ``None``.

    Returns:
        A model to unit embeddings of all the members' numbers together. Its images show the
        largest of the fractions, as finely as the members see the smallest. A single member comes
        back as it is.
    """
    if len(members) == 1:
        return members[0]
    size, largest = int(members[0].input_shape[1]), max(fractions)
    side = round(size * largest / min(fractions))
    images = keras.Input((side, side, 3), name="image")
    shares = np.full(len(members), 1.0) if votes is None else np.asarray(votes, float)
    shares = shares / shares.sum()
    codes = []
    for number, (member, fraction) in enumerate(zip(members, fractions, strict=True), 1):
        view = CentralView(fraction / largest, size, name=f"view{number}")(images)
        name = member.name if member.name == GRADIENTS else f"member{number}"
        code = keras.Model(member.input, member.output, name=name)(view)
        # Lengths whose squares are the shares: so much of a cosine is each member's.
        share = float(np.sqrt(shares[number - 1]))
        codes.append(layers.Rescaling(share, name=f"vote{number}")(code))
    together = layers.Concatenate(name="members")(codes)
    return keras.Model(
        images, layers.UnitNormalization(name="unit_members")(together), name="embedding"
    )
