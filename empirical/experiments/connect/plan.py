"""What the options of `percolation connect` ask for: pairs to draw, the finder's settings, whether to ask theory."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from empirical.ends.modes import MOST_VIEWS, Search, Transformed
from empirical.ends.subject import Subject
from empirical.finder.find import PRESETS, Finder
from empirical.networks import architectures, models
from percolation import checks

THEORY_UP_TO = 4096  # numbers of an input for which the theories are asked too where nothing is said


def subject(
    network: str,
    data: str | None,
    training: str,
    pair: str,
    pairs: int | None,
    *,
    folder: Path | None,
    lower_ends: bool | None,
    **others: Any,
) -> Subject:
    """The network, its data and its pairs; others: fields of `Subject` as they are."""
    data = "mnist1d" if data is None else data
    return Subject(
        network,
        data,
        training,
        pair,
        50 if pairs is None else pairs,
        folder=None if folder is None else str(folder),
        lower_ends=data == "pictures" and pair != "class-optimal" if lower_ends is None else lower_ends,
        **others,
    )


def finder(
    network: str, training: str, preset: str, *, lr: float | None, stop: float, level: float | None, **others: Any
) -> Finder:
    """The preset with what was given instead; others: fields of `Finder` as they are."""
    for name, value in (("lr", lr), ("level", level), ("stop", stop)):
        if value is not None:
            checks.positive(name, value)
    published = PRESETS[checks.one_of("preset", preset, PRESETS)]
    usual = architectures.find(network).finder_step if (training, preset) == ("untrained", "default") else None
    rule = replace(published.descent, stop=stop, lr=lr or usual or published.descent.lr)
    return replace(published, level=1e-3 if level is None else level, descent=rule, **others)


def search(
    step: float | None, total_variation: float, weight_decay: float | None, bounds: str | None, robust: int
) -> Search:
    if step is not None:
        checks.positive("step", step)
    limits = None if bounds is None else checks.numbers("--bounds", bounds)
    if limits is not None and (len(limits) != 2 or not limits[0] < limits[1]):
        raise ValueError(f"--bounds takes two numbers, the lower first, got {bounds!r}; try 0,1")
    several = Transformed(robust) if checks.integer("robust", robust, at_least=0, at_most=MOST_VIEWS) else None
    pair = None if limits is None else (limits[0], limits[1])
    return Search(step, total_variation, weight_decay, pair, several)


def asks_theory(subject: Subject) -> bool:
    """Whether inputs are small enough for the theories to be asked unbidden."""
    dimension = subject.dimension
    if dimension is None and (subject.data in ("pictures", "imagenet", "folder") or subject.has_weights):
        return False
    if dimension is None and subject.data == "none":
        dimension = math.prod(models.input_shape(subject.network))
    return dimension is None or dimension <= THEORY_UP_TO
