import numpy as np
import pytest
import torch

from empirical.detection import curve, methods
from empirical.detection.protocol import Known
from empirical.losses.objectives import ClassLoss, losses


def test_the_curve_by_hand(known, tested):
    detector = curve.curve(known, torch.Generator().manual_seed(0), references=2, n_points=5, with_logits=False)
    x = tested[0][:6]
    labels = known.model(x).argmax(1)
    by_hand = []
    for one, label in zip(x, labels, strict=True):
        for reference in detector.references[label]:
            for t in (0.2, 0.4, 0.6, 0.8, 1.0):
                output = known.model(((1 - t) * reference + t * one)[None]).double()
                by_hand.append(-output.log_softmax(1)[0, label].item())
    found = detector.features(x)
    np.testing.assert_allclose(found, np.log10(np.array(by_hand).reshape(6, 10) + 1e-3), atol=2e-4)


def test_references_are_low_and_of_their_class(known):
    references = curve.low_loss(known, 3, torch.Generator().manual_seed(0))
    assert references.shape == (10, 3, *known.x.shape[1:])
    for label in range(10):
        members = known.x[known.y == label]
        assert all((one == members).flatten(1).all(1).any() for one in references[label])
        found, own = (
            losses(ClassLoss(known.model, torch.full((len(x),), label)), x) for x in (references[label], members)
        )
        assert found.max() <= max(5e-4, own.sort().values[2])  # or the three lowest where there are fewer
        assert len(references[label].unique(dim=0)) == 3


def test_a_class_of_one_image_and_one_of_none(known):
    rows = torch.cat([(known.y == 3).nonzero().squeeze(1)[:1], (known.y != 3).nonzero().squeeze(1)])
    few = Known(known.model, known.x[rows], known.y[rows], 10)
    references = curve.low_loss(few, 4, torch.Generator().manual_seed(0))
    assert (references[3] == few.x[0]).all()
    none = Known(known.model, few.x[1:], few.y[1:], 10)
    with pytest.raises(ValueError, match="class 3 has no training input that could be the reference"):
        curve.low_loss(none, 1, torch.Generator())


def test_classes_that_the_network_never_fits_give_their_lowest(known):
    """With labels that are all wrong no loss is low: the lowest of the class is taken."""
    wrong = Known(known.model, known.x, (known.y + 1) % 10, 10)
    found = losses(ClassLoss(known.model, wrong.y), wrong.x)
    references = curve.low_loss(wrong, 1, torch.Generator().manual_seed(0))
    members = (wrong.y == 4).nonzero().squeeze(1)
    if (found[members] > 5e-4).all():
        assert torch.equal(references[4, 0], wrong.x[members[found[members].argmin()]])
    else:
        pytest.fail("a signal with a wrong label has a low loss: choose another class for this test")


def test_gradients_go_through_the_curve(known, tested):
    detector = methods.find("curve_logits", references=2).make(known, torch.Generator().manual_seed(0))
    assert detector.references.shape[1] == 2
    double = curve.Curve(known.model.double(), detector.references.double(), 4)
    x = tested[0][:2].double().requires_grad_()
    assert torch.autograd.gradcheck(double.of, x)


def test_confidence_is_the_end_of_the_curve(known, tested):
    ends = methods.METHODS["curve"].make(known, torch.Generator().manual_seed(0)).features(tested[0])[:, -1]
    found = methods.METHODS["confidence"].make(known, torch.Generator()).features(tested[0])[:, 0]
    np.testing.assert_allclose(found, ends, atol=1e-4)
