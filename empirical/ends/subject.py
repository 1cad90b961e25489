"""A network, its data and its pairs by name, as the command line asks for them, and what the names stand for."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from torch import nn

from empirical.data import offline
from empirical.data.tensors import Normalisation
from empirical.ends import modes, sources
from empirical.ends.sources import Source
from empirical.ends.space import Space, space_of
from empirical.ends.wanted import NATURAL, Wanted
from empirical.networks import architectures, libraries, models
from empirical.networks.sphere import OnSphere
from empirical.networks.taken import noted
from percolation import checks

TRAININGS = ("trained", "untrained")
DATA = sources.NAMES


@dataclass(frozen=True)
class Subject:
    """One network at one dimension, and the kind of pairs to connect."""

    network: str  # a name in ARCHITECTURES, or module:factory
    data: str
    training: str
    pair: str
    pairs: int = 50
    dimension: int | None = None  # None: the data set's own, or the architecture's usual one
    classes: int = 10  # of a random network that goes with no data set
    weights: str = "random"  # or imagenet, or the path of a state dict
    folder: str | None = None  # of data that is read from one
    label: int | None = None  # the only class that is looked at
    lower_ends: bool = False  # natural inputs that the network knows, but not surely enough, are moved downhill
    normalisation: Normalisation | None = (
        None  # that weights from a file expect; None: the architecture's or the data's
    )
    search: modes.Search = modes.Search()  # noqa: RUF009 (frozen)
    size: int | None = None  # pixels a side of the pictures of a folder; None: 224
    sphere: bool = False  # inputs are projected to the sphere |x|^2 = d, where the norm plays no part

    def __post_init__(self) -> None:
        architectures.find(self.network)
        checks.one_of("data set", self.data, DATA)
        checks.one_of("training", self.training, TRAININGS)
        _ = self.wanted  # which checks its own
        if self.dimension is not None:
            checks.integer("dimension", self.dimension, at_least=1)
        self._check_sources()

    def _check_sources(self) -> None:
        """Weights, data and kind of pairs go together."""
        given = self.has_weights
        if self.weights != "random" and self.training == "untrained":
            raise ValueError(f"a network with weights is a trained one, got weights={self.weights!r} and untrained")
        if self.data == "none" and (self.pair in NATURAL or (self.training == "trained" and not given)):
            raise ValueError(
                f"without data there are only untrained networks and class-optimal pairs, got {self.training} and "
                f"{self.pair}; choose --data {offline.NAMES[0]} or {offline.NAMES[1]}, or give --weights"
            )
        if self.data in (sources.SHIPPED, "imagenet", sources.OWN) and self.training == "trained" and not given:
            raise ValueError(
                f"no network is trained on {self.data} here; give --weights imagenet or a file, or --training untrained"
            )
        if self.normalisation is not None and not given and self.data != sources.OWN:
            raise ValueError("a normalisation goes with weights from a file, got random weights; leave it out")

    @property
    def has_weights(self) -> bool:
        """Whether its weights come from a file, and are not made here."""
        brought = self.network.startswith("transformers:") and self.training == "trained"
        return self.weights != "random" or brought

    @property
    def wanted(self) -> Wanted:
        """The pairs that are asked for."""
        step = architectures.find(self.network).step
        return Wanted(self.pair, self.pairs, self.label, self.lower_ends, self.search, step)

    def key(self) -> dict[str, Any]:
        """Everything that tells it from others; what was added later only where it is not as it was before."""
        old = ("network", "data", "training", "pair", "pairs", "dimension", "classes")
        usual = {field.name: field.default for field in fields(self)}
        return {
            name: value for name, value in asdict(self).items() if name in old or getattr(self, name) != usual[name]
        }


def build(subject: Subject, *, seed: int, device: str = "cpu") -> tuple[nn.Module, Source | None, Space]:
    """The subject's network, trained if that is asked for, the source of its natural inputs, and the space of both.

    seed: of the network's weights.
    """
    source = source_of(subject)
    shape = models.input_shape(subject.network, subject.dimension) if source is None else source.shape
    model = network_of(subject, source, shape, seed).to(device)
    space = space_of(model, shape)
    if not subject.sphere:
        return model, source, space
    if space.bounds is not None:
        raise ValueError("pictures in [0, 1] have no sphere around 0; leave --sphere out, or take other data")
    return OnSphere(model), source, space


def source_of(subject: Subject) -> Source | None:
    """Where the subject's natural inputs come from; None where there is no data."""
    if subject.data == "none":
        if subject.folder is not None:
            raise ValueError("without data there is nothing to read from a folder, leave --folder out")
        return None
    on_the_spot = subject.training == "trained" and not subject.has_weights
    one_channel = subject.normalisation is not None and len(subject.normalisation.mean) == 1
    source = sources.of(
        subject.data,
        subject.dimension,
        subject.folder,
        training=on_the_spot,
        size=subject.size,
        one_channel=one_channel,
    )
    if subject.data == sources.OWN:
        source = replace(source, normalisation=_of_pictures(subject))
    if subject.data in offline.NAMES and source.n_classes != subject.classes:
        raise ValueError(f"{subject.data} has {source.n_classes} classes, got classes={subject.classes}")
    return source


def _of_pictures(subject: Subject) -> Normalisation:
    """What the network takes from pictures of a folder: as given, as it expects by its name, or nothing."""
    usual = architectures.find(subject.network).normalisation
    return subject.normalisation or usual or Normalisation((0.0,), (1.0,))


def network_of(subject: Subject, source: Source | None, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The subject's network: its weights given, trained on the data, or random."""
    normalisation = source.normalisation if source else None
    if subject.has_weights:
        weights = subject.weights if subject.weights != "random" else models.weights_of_library(subject.network)
        # weights that were published for ImageNet expect its normalisation, those of one's own that of the data
        own = subject.normalisation or (normalisation if subject.data != sources.SHIPPED else None)
        published = subject.weights in ("imagenet", "random")
        given = subject.normalisation if published else own
        side = None if source is None and subject.dimension is None else shape
        return models.pretrained(subject.network, weights, side, normalisation=given)
    if source is not None and source.dataset is not None and subject.training == "trained":
        return models.trained(subject.network, source.dataset, seed=seed)
    n_classes = source.n_classes if source is not None and source.n_classes else subject.classes
    model = models.untrained(subject.network, shape, n_classes, seed=seed)
    if libraries.is_of_a_library(subject.network):
        model = noted(model, [f"network: {subject.network} with random weights"])
    return models.with_normalisation(model, normalisation)
