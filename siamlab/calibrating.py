"""A model's threshold, set on people it has not seen: the user's own, and strangers beside them.

Comes in: a model, the user's people, and LFW strangers where there are any. Goes out: the
:class:`~siamlab.evaluation.Calibration` in the model's record, and :class:`PeopleCalibration`,
which says what the threshold will cost the user and what it cannot promise.

Which pairs count. Who is let in by mistake is either one of the user's own people taken for
another (the family), or a stranger taken for one of them. Strangers among each other show the
tail of the scores that a handful of own people cannot, from one kind of camera, where nothing but
the face tells people apart. The threshold holds the false match rate on all three together; each
group's own rate is told beside it, since many strangers outvote a few relatives. Genuine pairs
come from the user's own people: it is they who are turned away.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import EmptyFolderError, InputError
from siamlab.evaluation import (
    Calibration,
    Confusion,
    GroupRate,
    calibrate,
    group_rate,
    operating_point,
    score_pairs,
    threshold_at_fmr,
    worst_confusion,
)
from siamlab.pairs import (
    PairSet,
    join_pairs,
    pairs_from_rows,
    person_pairs,
    possible_genuine,
    possible_impostor,
)
from siamlab.people import Collection, Person, collect_person, open_collection
from siamlab.profiles import Workspace
from siamlab.sampling import draw_genuine, draw_impostor

if TYPE_CHECKING:
    from siamlab.models import Siamese

MOST_PAIRS = 3000  # of a kind: what the rule of 30 asks for an FMR of 0.01
MOST_STRICT = 30_000  # of a kind, for an FMR of 0.001 and less
MOST_STRANGERS = 1000
LEAST_LEFT = 10  # people; fewer make fewer than 45 couples
OWN, STRANGERS = "own", "strangers"
CAPTURED = ("anchor", "positive", "probes")  # a captured person's folders

# Name of a group to (genuine, the words for it).
GROUPS = {
    "own_genuine": (True, "your own people, turned away"),
    "own_impostor": (False, "your own people, taken for each other"),
    "between": (False, "strangers, taken for your own people"),
    "stranger_impostor": (False, "strangers, taken for each other"),
    "stranger_genuine": (True, "strangers, turned away"),
}


def spread_pairs(collection: Collection, most: int, seed: int) -> PairSet:
    """Balanced pairs, as many as the collection's genuine pairs allow, at the most ``most``.

    Raises:
        InputError: the collection cannot give both kinds of pairs.
    """
    possible = 2 * possible_genuine(collection)
    if possible == 0 or len(collection) < 2:
        raise InputError(
            "Pairs need at least two people, one of them with two images or more. Received: "
            f"{len(collection)} people in {collection.root}. Collect more images."
        )
    return person_pairs(collection, min(most, possible), seed)


def unseen_people(model: Siamese, collection: Collection) -> tuple[Collection, int]:
    """Leave out the people whom the model was trained on; also how many they were."""
    known = [name for name in collection.names if model.record.trained_on(name)]
    return collection.without(known), len(known)


def calibrate_model(
    model: Siamese,
    collection: Collection,
    fmr: float | None = None,
    seed: int = 0,
    most: int = 2 * MOST_PAIRS,
) -> Calibration:
    """Choose a model's threshold on people that it was not trained on.

    Args:
        model: its record gets the calibration.
        collection: people; those whom the model was trained on are left out.
        fmr: the false match rate aimed at; ``None`` takes the equal-error point.
        seed: draws the pairs.
        most: pairs at the most.

    Returns:
        The calibration, which says when there were too few pairs to promise anything.

    Raises:
        InputError: too few people are left, or there are too few.
    """
    people, left_out = unseen_people(model, collection)
    _check_left(left_out, len(collection), len(people))
    pairs = spread_pairs(people, most, seed)
    calibration = calibrate(
        pairs.labels,
        score_pairs(model, pairs),
        pairs.people,
        fmr=fmr,
        first_people=pairs.first_people,
        second_people=pairs.second_people,
        seed=seed,
    )
    if left_out:
        note = f"{left_out} people were left out: the model was trained on them."
        calibration = replace(calibration, note=f"{calibration.note} {note}")
    model.with_record(calibration=calibration.to_dict())
    return calibration


def _check_left(left_out: int, people: int, left: int) -> None:
    """Refuse a calibration on the rest of those trained on, when the rest is small."""
    if left_out and left < LEAST_LEFT:
        raise InputError(
            f"The model was trained on {left_out} of these people ({people}): a threshold chosen "
            f"on them would promise too much, and {left} others are too few (expected: "
            f"{LEAST_LEFT} or more). Give people it has not seen."
        )


@dataclass(frozen=True)
class PeopleCalibration:
    """A threshold on the user's own people and strangers, and what it will cost them.

    Names stand here only: the model file may be passed on, and gets none of them.

    Attributes:
        calibration: what the model's record holds.
        groups: errors of each group of pairs at the threshold; see ``GROUPS``.
        worst: the two own people most often taken for each other; ``None`` for one person.
        apart: the threshold that holds the rate in every group, and own people's FNMR there;
            ``None`` when the chosen one holds it among own people.
        own: how many own people the threshold rests on.
        strangers: how many strangers.
        notes: what the user must know, in sentences.
    """

    calibration: Calibration
    groups: dict[str, GroupRate]
    worst: Confusion | None
    apart: tuple[float, float | None] | None
    own: int
    strangers: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **self.calibration.to_dict(),
            "groups": {name: group.to_dict() for name, group in self.groups.items()},
            "worst": None if self.worst is None else str(self.worst),
            "apart": None if self.apart is None else list(self.apart),
            "own_people": self.own,
            "strangers": self.strangers,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        shown = [group for group in self.groups.values() if group.pairs]
        width = max(len(group.name) for group in shown)
        table = [f"{'':<{width}}  {'pairs':>6} {'people':>6} {'errors':>6}  rate (95 % interval)"]
        table += [
            f"{one.name:<{width}}  {one.pairs:>6} {one.people:>6} {one.errors:>6}  "
            f"{one.rate:.3f}" + (f" ({one.interval})" if one.interval else "")
            for one in shown
        ]
        return "\n".join([str(self.calibration), *table, *self.notes])


def calibrate_people(
    model: Siamese,
    own: Collection,
    strangers: Collection | None = None,
    fmr: float = 0.01,
    seed: int = 0,
    strict: bool = False,
) -> PeopleCalibration:
    """Choose a model's threshold on the user's own people and on strangers together.

    Nobody the model was trained on takes part. The intervals draw own people among own people
    and strangers among strangers.

    Args:
        model: its record gets the calibration.
        own: the user's people, face chips as the capture makes them.
        strangers: other people, LFW as a rule; nobody when ``None``. Who has the name of an own
            person is left out.
        fmr: the false match rate aimed at, in (0, 1].
        seed: draws strangers and pairs.
        strict: hold the rate in each group, not only on all pairs together.

    Returns:
        Threshold, rates by group, cost, and notes.

    Raises:
        InputError: nobody unseen is left, too few are, or there are not both kinds of pairs.
    """
    if not 0 < fmr <= 1:
        raise InputError(
            f"fmr is above 0 and at most 1: no number of pairs can promise 0. Received: {fmr:g}. "
            "Try 0.001."
        )
    people, known = unseen_people(model, own)
    others, notes = _strangers(model, own, strangers, seed)
    if known and not people.people:
        _check_left(known, len(own), 0)
    _check_left(known, len(own), len(people) + len(others))
    if known:
        notes.insert(0, f"Left out of your people: {known}, whom the model was trained on.")
    drawn = draw_groups(people, others, fmr, seed)
    parts = _scored(model, drawn)
    paying = "own_genuine" if len(drawn["own_genuine"]) else "stranger_genuine"
    used = [paying, *(name for name, (genuine, _) in GROUPS.items() if not genuine)]
    pairs = join_pairs(*(drawn[name] for name in used))
    scores = np.concatenate([parts[name] for name in used])
    _check_kinds(pairs, people, others)
    strata = {**dict.fromkeys(people.names, OWN), **dict.fromkeys(others.names, STRANGERS)}
    floor = _strictest(parts, fmr) if strict else 0.0
    calibration = calibrate(
        pairs.labels,
        scores,
        pairs.people,
        fmr,
        pairs.first_people,
        pairs.second_people,
        strata,
        seed,
        rounds=500 if len(pairs) <= 20_000 else 200,
        at_least=floor,
    )
    groups = {
        name: _group(name, drawn[name], parts[name], calibration.threshold, strata, seed)
        for name in GROUPS
    }
    family = drawn["own_impostor"]
    worst = worst_confusion(
        parts["own_impostor"], family.first_people, family.second_people, calibration.threshold
    )
    apart = _apart(parts, groups["own_impostor"], fmr)
    model.with_record(calibration=calibration.to_dict())
    said = [*_cost(groups), *_family(groups["own_impostor"], worst, apart, fmr), *notes]
    return PeopleCalibration(
        calibration, groups, worst, apart, len(people), len(others), tuple(said)
    )


def find_strangers(lfw: Path | str | None, workspace: Workspace) -> Collection | None:
    """LFW where it is: the path given, else ``SIAMLAB_LFW``, else what ``fetch`` brought.

    Returns:
        The collection, or ``None`` when nothing was given and nothing fetched.

    Raises:
        InputError, EmptyFolderError: the path holds no people.
    """
    given = lfw or os.environ.get("SIAMLAB_LFW")
    if given:
        return open_collection(given, cache=workspace.root / "cache")
    fetched = workspace.root / "lfw"
    if fetched.is_dir() and any(fetched.iterdir()):
        return open_collection(fetched)
    return None


def open_own_people(path: Path | str) -> Collection:
    """Open the user's people: one folder per person, also as the capture stores them.

    The capture keeps a person's images in ``anchor``, ``positive`` and ``probes``; these three are
    one person, not three people.

    Raises:
        InputError, EmptyFolderError: see :func:`siamlab.people.open_collection`.
    """
    root = Path(path).expanduser()
    folders = [root]
    if root.is_dir() and not _is_captured(root):
        folders = [one for one in sorted(root.iterdir()) if not one.name.startswith((".", "__"))]
    people: list[Person] = []
    for folder in folders if any(map(_is_captured, folders)) else ():
        kinds = [folder / kind for kind in CAPTURED] if _is_captured(folder) else [folder]
        with suppress(EmptyFolderError):
            people += collect_person(folder.name, *kinds).people
    return Collection(root, tuple(people)) if people else open_collection(root)


def _is_captured(folder: Path) -> bool:
    return folder.is_dir() and any((folder / kind).is_dir() for kind in CAPTURED)


def _strangers(
    model: Siamese, own: Collection, strangers: Collection | None, seed: int
) -> tuple[Collection, list[str]]:
    """The strangers who take part, at most two images of each, and what to say of them."""
    if strangers is None:
        return Collection(own.root, ()), [
            "No strangers took part, so the threshold rests on your own people alone. Give --lfw "
            "PATH, set SIAMLAB_LFW, or run siamlab fetch lfw."
        ]
    names = {name.casefold() for name in own.names}
    others = strangers.without(name for name in strangers.names if name.casefold() in names)
    same = len(strangers) - len(others)
    others, known = unseen_people(model, others)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(others))[:MOST_STRANGERS]
    people = tuple(_two_images(others.people[place], rng) for place in np.sort(chosen))
    notes = [
        f"Strangers: {len(people)} of {strangers.root.name}, at most two images each; left out: "
        f"{known} whom the model was trained on, {same} with the name of one of your people."
    ]
    if people:
        notes.append(
            "Strangers' images are from other cameras than yours, which alone tells them from "
            "your people: expect strangers before your camera to be let in more often than shown."
        )
    return Collection(strangers.root, people), notes


def _two_images(person: Person, rng: np.random.Generator) -> Person:
    order = np.sort(rng.permutation(len(person))[:2])
    return Person(person.name, tuple(person.images[place] for place in order))


def draw_groups(
    own: Collection, strangers: Collection, fmr: float, seed: int
) -> dict[str, PairSet]:
    """Draw the pairs of each of ``GROUPS``, no pair twice; a group may be empty.

    Args:
        own: the user's people.
        strangers: people with other names.
        fmr: the rate aimed at; the rule of 30 says how many impostor pairs it needs.
        seed: the same seed draws the same pairs.
    """
    most = min(max(math.ceil(30 / fmr - 1e-9), MOST_PAIRS), MOST_STRICT)
    rng = np.random.default_rng(seed)
    everybody = Collection(own.root, own.people + strangers.people)
    shift = len(own.images)
    rows = {
        "own_genuine": _genuine(own, rng),
        "own_impostor": _impostor(own, most, rng),
        "between": _between(own, strangers, most, rng),
        "stranger_impostor": _impostor(strangers, most, rng) + shift,
        "stranger_genuine": _genuine(strangers, rng) + shift,
    }
    return {name: pairs_from_rows(everybody, found) for name, found in rows.items()}


def _sizes(people: Iterable[Person]) -> list[int]:
    return [len(person) for person in people]


def _genuine(people: Collection, rng: np.random.Generator) -> np.ndarray:
    count = min(possible_genuine(people), MOST_PAIRS)
    return draw_genuine(_sizes(people.people), count, rng).reshape(-1, 2)


def _impostor(people: Collection, most: int, rng: np.random.Generator) -> np.ndarray:
    count = min(possible_impostor(people), most)
    if count == 0:
        return np.empty((0, 2), np.int64)
    return draw_impostor(_sizes(people.people), count, rng)


def _between(
    own: Collection, strangers: Collection, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Different pairs of an own image and a stranger's; rows as in :mod:`siamlab.sampling`.

    Own people are drawn alike, and so are strangers, however many images they have.
    """
    first, second = len(own.images), len(strangers.images)
    count = min(first * second, most)
    weights = [
        np.concatenate(
            [np.full(size, 1 / (size * len(part.people))) for size in _sizes(part.people)]
        )
        if part.people
        else np.zeros(0)
        for part in (own, strangers)
    ]
    if count == first * second:
        chosen = np.arange(count)
    else:
        # Of uniform draws in (0, 1), the count largest u ** (1 / weight) are a weighted draw
        # without repetition (Efraimidis and Spirakis 2006).
        keys = rng.exponential(size=(first, second)) / np.outer(*weights)
        chosen = np.argpartition(keys.ravel(), count)[:count]
    return np.stack([chosen // max(second, 1), first + chosen % max(second, 1)], axis=1)


def _scored(model: Siamese, drawn: dict[str, PairSet]) -> dict[str, np.ndarray]:
    """Scores of each group; every image is embedded once, whatever groups it is in."""
    scores = score_pairs(model, join_pairs(*drawn.values()))
    ends = np.cumsum([len(pairs) for pairs in drawn.values()])[:-1]
    return dict(zip(drawn, np.split(scores, ends), strict=True))


def _check_kinds(pairs: PairSet, own: Collection, strangers: Collection) -> None:
    if not pairs.genuine or not pairs.impostor:
        raise InputError(
            "A threshold needs two people at least, and two images of one. Received: "
            f"{len(own)} people with {len(own.images)} images, and {len(strangers)} strangers. "
            "Collect more images, or give strangers (--lfw)."
        )


def _strictest(parts: dict[str, np.ndarray], fmr: float) -> float:
    """The highest of the groups' own thresholds for the rate."""
    scores = [parts[name] for name, (genuine, _) in GROUPS.items() if not genuine]
    return max(threshold_at_fmr(np.zeros(len(one)), one, fmr) for one in scores if len(one))


def _group(
    name: str,
    pairs: PairSet,
    scores: np.ndarray,
    threshold: float,
    strata: dict[str, str],
    seed: int,
) -> GroupRate:
    genuine, words = GROUPS[name]
    images = ([str(path) for path in pairs.first], [str(path) for path in pairs.second])
    return group_rate(
        words,
        genuine,
        scores,
        pairs.first_people,
        pairs.second_people,
        threshold,
        images,
        strata if name == "between" else None,
        seed,
    )


def _apart(
    parts: dict[str, np.ndarray], family: GroupRate, fmr: float
) -> tuple[float, float | None] | None:
    if not family.pairs or family.errors <= fmr * family.pairs + 1e-9:
        return None
    genuine, threshold = parts["own_genuine"], _strictest(parts, fmr)
    if not len(genuine):
        return threshold, None
    return threshold, operating_point(np.ones(len(genuine)), genuine, threshold).fnmr


def one_in(errors: int, pairs: int) -> str:
    """A rate in plain words: ``about 1 in 12``, ``about 7 in 10``, ``none of 40``, ``all``."""
    if errors in (0, pairs):
        return "all" if errors else f"none of {pairs}"
    rate = errors / pairs
    if rate <= 0.4:
        return f"about 1 in {round(1 / rate)}"
    return f"about {min(9, round(10 * rate))} in 10"


def _cost(groups: dict[str, GroupRate]) -> list[str]:
    """What the threshold costs the genuine people."""
    own, strangers = groups["own_genuine"], groups["stranger_genuine"]
    if not own.pairs:
        return [
            "What it costs you cannot be known: none of your people has two images. Of the "
            f"strangers' {one_in(strangers.errors, strangers.pairs)} were turned away."
        ]
    lines = [
        f"What it costs: {one_in(own.errors, own.pairs)} of your own images turned away, each "
        "compared with one enrolled image. Images of one sitting flatter it; several enrolled "
        "images and frames lower it."
    ]
    if own.unit == "images":
        lines.append("Its interval speaks of one person's images, and of nobody else.")
    elif own.rough:
        lines.append(
            f"{own.people} people are too few for a promise: with others of yours it may be more."
        )
    return lines


def _family(
    group: GroupRate,
    worst: Confusion | None,
    apart: tuple[float, float | None] | None,
    fmr: float,
) -> list[str]:
    """What is known of own people who are taken for each other."""
    if not group.pairs or worst is None:
        return ["Whether your people are taken for each other is unknown: there is one person."]
    lines = [f"Among your own people {worst}."]
    if apart is not None:
        threshold, fnmr = apart
        price = "" if fnmr is None else f" and would turn {fnmr:.0%} of your own images away"
        lines.append(
            f"Their false match rate is {group.rate:.3f}, above the {fmr:g} aimed at: --strict "
            f"would hold it with a threshold of {threshold:.3f}{price}."
        )
    if group.promises(fmr) == "nothing":
        least = math.ceil(3 / fmr - 1e-9)
        needed = math.ceil((1 + math.sqrt(1 + 8 * least)) / 2)
        lines.append(
            f"{group.people} of your own people ({group.couples} couples, {group.pairs} pairs) are "
            f"too few to promise an FMR of {fmr:g} among them: that takes {least} couples, or "
            f"{needed} people (rule of 3)."
        )
    elif group.promises(fmr) == "roughly":
        lines.append(f"An FMR of {fmr:g} among your own people is known only roughly.")
    return lines
