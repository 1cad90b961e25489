"""Baselines against independent small implementations of their definitions."""

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance
from torch import nn

from empirical.detection import fourier, layers, lid, mahalanobis, methods
from empirical.detection.protocol import Known
from empirical.networks import models


def by_hand(model, x):
    """Outputs of the activation layers and the logits of a network that is a plain sequence."""
    found = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            found.append(x)
    return [*found, x]


def lid_by_brute_force(x, clean, k):
    """Ma et al., Eq. 4, one input and one neighbour at a time."""
    found = []
    for one in x:
        distances = sorted(float(np.sqrt(((one - other) ** 2).sum())) for other in clean)[:k]
        found.append(-1 / (sum(np.log(r / distances[-1]) for r in distances) / k))
    return np.array(found)


def test_activations_of_a_sequence(known, tested):
    found, logits = layers.activations(known.model, tested[0])
    for one, other in zip([*found, logits], by_hand(known.model, tested[0]), strict=True):
        assert torch.equal(one, other)
    assert not any(layer._forward_hooks for layer in known.model.modules())  # nothing is left behind


def test_a_layer_that_works_in_place_is_read_before_it_is_written_over():
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.ReLU(inplace=True), nn.Hardtanh(0, 0.1, inplace=True)).eval()
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    (first, second), _ = layers.activations(model, x)
    assert torch.equal(first, model[0](x).relu()) and torch.equal(second, first) and first.max() > 0.1


@pytest.mark.parametrize("k", [2, 20])
def test_lid_by_brute_force(known, tested, k):
    detector = lid.lid(known, torch.Generator().manual_seed(5), k=k, clean=50)
    chosen = torch.randperm(600, generator=torch.Generator().manual_seed(5))[:50]
    found = detector.features(tested[0])
    inner = [one.flatten(1).double().numpy() for one in by_hand(known.model, tested[0])]
    clean = [one.flatten(1).double().numpy() for one in by_hand(known.model, known.x[chosen])]
    expected = np.stack([lid_by_brute_force(x, c, k) for x, c in zip(inner, clean, strict=True)], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_lid_of_a_cube_is_its_dimension():
    """Of 20,000 points uniform in [0, 1]^3 the 100 nearest to the middle have LID 3 (+- 3/sqrt(100), 4 sigma asked)."""
    points = torch.rand(20_000, 3, generator=torch.Generator().manual_seed(0))
    assert abs(lid.estimate(torch.full((1, 3), 0.5), points, 100).item() - 3) < 4 * 0.3


def test_lid_where_neighbours_coincide_is_finite():
    same = torch.zeros(1, 4)
    assert lid.estimate(same, torch.zeros(5, 4), 3).item() == 1e6  # all at one distance: without bound, cut
    assert (
        0 < lid.estimate(same, torch.eye(4).repeat(2, 1).add(0).index_fill(0, torch.tensor([0]), 0.0), 3).item() < 0.01
    )


def test_mahalanobis_by_scikit_learns_covariance(known, tested):
    found = mahalanobis.mahalanobis(known, torch.Generator(), magnitude=0.0).features(tested[0])
    for layer, (train, test) in enumerate(
        zip(by_hand(known.model, known.x), by_hand(known.model, tested[0]), strict=True)
    ):
        f, g = (
            one.double().flatten(2).mean(2).numpy() if one.ndim > 2 else one.double().numpy() for one in (train, test)
        )
        means = np.stack([f[known.y == label].mean(0) for label in range(10)])
        residuals = EmpiricalCovariance(assume_centered=True).fit(f - means[known.y])
        nearest = np.min([residuals.mahalanobis(g - mean) for mean in means], axis=0)
        np.testing.assert_allclose(found[:, layer], -nearest, rtol=1e-4)


def test_mahalanobis_steps_towards_the_nearest_class(known, tested):
    still, moved = (
        mahalanobis.mahalanobis(known, torch.Generator(), magnitude=size).features(tested[0]) for size in (0.0, 1e-3)
    )
    assert (moved > still).mean() > 0.99
    usual = mahalanobis.mahalanobis(known, torch.Generator())
    assert usual.magnitude == pytest.approx(5e-5 * known.x.std().item())


def test_mahalanobis_of_channels_that_never_vary():
    f = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    f[:, 2] = 7.0
    y = torch.arange(60) % 3
    y[0] = 9  # a class of one input
    found = mahalanobis.fit(f, y).confidence(f)
    assert found.isfinite().all() and (found <= 1e-9).all() and found[0].abs() < 1e-9


@pytest.mark.parametrize(("part", "function"), [("mfs", np.abs), ("pfs", np.angle)])
def test_spectra_by_numpy(part, function, known, tested):
    images = torch.rand(5, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    expected = np.stack([function(np.fft.fft2(one)).flatten() for one in images.double().numpy()])
    turn = 1 if part == "mfs" else 1j  # +pi and -pi are one phase
    np.testing.assert_allclose(np.exp(turn * fourier.spectrum(images, part=part).numpy()), np.exp(turn * expected))
    found = methods.METHODS[f"layer_{part}"].make(known, torch.Generator()).features(tested[0])
    inner = [one.double().numpy() for one in by_hand(known.model, tested[0])[:-1]]
    spectra = np.concatenate([np.fft.fft(one, axis=2).reshape(40, -1) for one in inner], 1)
    if part == "mfs":
        np.testing.assert_allclose(found, np.abs(spectra), atol=1e-9)
    else:  # where nothing is but rounding there is no phase
        there = np.abs(spectra) > 1e-6
        assert there.mean() > 0.9
        np.testing.assert_allclose(np.exp(1j * found)[there], np.exp(1j * np.angle(spectra))[there], atol=1e-6)


def test_layers_of_many_are_harders():
    """Modules 9, 16, 22, 29, 36, 42 of a VGG-16 with batch norm are its ReLUs 3, 5, ..., 13 of 13."""
    parts = [part for _ in range(13) for part in (nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True))]
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    x = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    detector = fourier.of_layers(Known(model, x, torch.tensor([0, 1]), 2), torch.Generator(), part="mfs")
    assert detector.layers == [2, 4, 6, 8, 10, 12]
    assert detector.features(x).shape == (2, 6 * 16)


@pytest.mark.parametrize("name", methods.METHODS)
def test_features_of_an_input_do_not_depend_on_its_company(name, known, tested):
    detector = methods.METHODS[name].make(known, torch.Generator().manual_seed(0))
    together, alone = detector.features(tested[0]), detector.features(tested[0][7:8])
    assert together.shape == (40, alone.shape[1]) and together.dtype == np.float64 and np.isfinite(together).all()
    if "pfs" not in name:  # phases of what is zero but for rounding are arbitrary
        np.testing.assert_allclose(together[7:8], alone, rtol=1e-3, atol=1e-3)


def test_networks_that_baselines_cannot_read():
    flat = Known(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval(), torch.rand(9, 4), torch.arange(9) % 2, 2)
    with pytest.raises(ValueError, match="no activation layers that are modules"):
        methods.METHODS["lid"].make(flat, torch.Generator())
    with pytest.raises(ValueError, match="a spectrum needs axes of space"):
        methods.METHODS["input_mfs"].make(flat, torch.Generator()).features(flat.x)
    mlp = Known(models.untrained("mlp", (4,), 2, seed=0), torch.rand(9, 4), torch.arange(9) % 2, 2)
    with pytest.raises(ValueError, match="no activation layer of the network has axes of space"):
        methods.METHODS["layer_mfs"].make(mlp, torch.Generator())
    with pytest.raises(ValueError, match="unknown detector 'mahalanobi'.*did you mean 'mahalanobis'"):
        methods.find("mahalanobi")
