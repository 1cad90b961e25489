"""All detectors by name. To add one: a small file with its features, and a row here."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from empirical.detection.curve import bare, curve
from empirical.detection.fourier import of_input, of_layers
from empirical.detection.lid import lid
from empirical.detection.mahalanobis import mahalanobis
from empirical.detection.protocol import Method, confidence, logits
from percolation import checks

METHODS = {
    "curve": Method("loss curve", bare, baseline=False),
    "curve_logits": Method("curve + logits", curve, baseline=False),
    "curve_boosted": Method("same, trees", curve, baseline=False, classifier="boosting"),
    "confidence": Method("confidence", confidence),
    "logits": Method("logits", logits),
    "lid": Method("LID", lid),
    "mahalanobis": Method("Mahalanobis", mahalanobis),
    "input_mfs": Method("InputMFS", partial(of_input, part="mfs")),
    "input_pfs": Method("InputPFS", partial(of_input, part="pfs")),
    "layer_mfs": Method("LayerMFS", partial(of_layers, part="mfs")),
    "layer_pfs": Method("LayerPFS", partial(of_layers, part="pfs")),
}


def find(name: str, *, references: int = 1) -> Method:
    """The detector of this name; references: of a loss curve."""
    found = METHODS[checks.one_of("detector", name, METHODS)]
    if found.baseline or references == 1:
        return found
    make: Callable = found.make
    return replace(found, make=partial(make, references=references))
