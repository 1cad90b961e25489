"""Adversarial partners: inputs of one class, changed a little until the network takes them for another.

To add an attack: a function make(model, x, y, *, epsilon, norm, bounds, generator) -> x_adv and a row of
`checked.ATTACKS`.
"""

from empirical.attacks.attack import ATTACKS, NORMS, Attack, Attacked, attack, find, installed, judged, predictions
from empirical.attacks.targeted import TARGETED, another_class, targeted
from empirical.descent.rows import Descent

__all__ = [
    "ATTACKS",
    "NORMS",
    "TARGETED",
    "Attack",
    "Attacked",
    "Descent",
    "another_class",
    "attack",
    "find",
    "installed",
    "judged",
    "predictions",
    "targeted",
]
