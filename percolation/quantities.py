"""Numbers that know their error and where they come from."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class _WithError:
    """A number and its one-sigma error."""

    value: float
    error: float

    def z(self, other: "Estimate | Published") -> float:
        """Distance to another number in units of the combined error: (v - v') / sqrt(e^2 + e'^2) = -other.z(self).

        0 if both are exact and equal, +-inf if both are exact and differ. nan if a value or an error is nan: a
        distance in units that nobody knows.
        """
        if not isinstance(other, _WithError):
            raise ValueError(
                f"z compares with an Estimate or a Threshold, got {other!r}; "
                "an exact number is Threshold(value, 0, source)"
            )
        difference = self.value - other.value
        if any(map(math.isnan, (difference, self.error, other.error))):  # hypot(nan, inf) would be inf
            return math.nan
        error = math.hypot(self.error, other.error)
        if error == 0:
            return math.copysign(math.inf, difference) if difference else difference
        return difference / error

    def __str__(self) -> str:
        return with_error(self.value, self.error)


@dataclass(frozen=True)
class Estimate(_WithError):
    """A simulated number: value with its one-sigma error, and the method that gave both."""

    method: str


@dataclass(frozen=True)
class Published(_WithError):
    """A published or derived number: value, one-sigma error (0 only for a proof), source."""

    source: str


@dataclass(frozen=True)
class Threshold(Published):
    """A published or derived percolation threshold."""


UNKNOWN = Threshold(math.nan, math.nan, "none")  # where nothing is published


def with_error(value: float, error: float) -> str:
    """The value with its error in units of the last digits: 0.0752102(7); two digits of error below 2."""
    if not math.isfinite(value) or not math.isfinite(error):
        return f"{value:.6g}({error:.2g})"
    if error == 0:
        return f"{value:.12g}"
    digits = -math.floor(math.log10(error))
    if error * 10**digits < 1.95:
        digits += 1
    if digits <= 0:
        return f"{value:.0f}({error:.0f})"
    return f"{value:.{digits}f}({error * 10**digits:.0f})"
