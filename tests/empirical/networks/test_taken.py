"""Networks of the user's: what they return is taken for logits, or refused in one line."""

from collections import namedtuple
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import models
from empirical.networks.taken import notes_of, taken

X = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
OUTPUT = namedtuple("OUTPUT", ["logits", "aux"])


class Own(nn.Module):
    """Four logits of five numbers, in what `wrap` makes of them."""

    def __init__(self, wrap=lambda logits: logits, before=lambda x: x):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.wrap, self.before = nn.Linear(5, 4), wrap, before

    def forward(self, x):
        return self.wrap(self.layer(self.before(x)))


EXPECTED = Own()(X)
RETURNED = {
    "a dict": (lambda z: {"loss": None, "logits": z}, None, "network: logits taken from `logits` of a dict"),
    "an object": (
        lambda z: SimpleNamespace(logits=z),
        None,
        "network: logits taken from `logits` of a SimpleNamespace",
    ),
    "a named tuple": (lambda z: OUTPUT(z, -z), None, "network: logits taken from `logits` of a OUTPUT"),
    "a tuple": (lambda z: (z, z.mean(1)), None, "network: logits taken from the first of a tuple"),
    "a key": (lambda z: {"out": z, "features": -z}, "out", "network: logits taken from 'out'"),
    "a place": (lambda z: (z.mean(1), z), 1, "network: logits taken from 1"),
    "a function": (lambda z: [[z]], lambda out: out[0][0], "network: logits taken from the function given"),
}


@pytest.mark.parametrize("kind", RETURNED)
def test_logits_are_found_in_what_is_returned(kind):
    wrap, pick, said = RETURNED[kind]
    found = taken(Own(wrap).eval(), X, pick)
    assert torch.equal(found(X), EXPECTED) and notes_of(found) == [said]
    if pick is None:  # the path finder's objective takes it as it is
        objective = ClassLoss(Own(wrap).eval(), torch.tensor([0, 1, 2]))
        assert torch.equal(losses(objective, X), losses(ClassLoss(found, objective.labels), X))


def test_a_usual_network_is_left_alone():
    model = Own().eval()
    assert taken(model, X) is model and notes_of(model) == []
    log_softmax = Own(lambda z: z.log_softmax(1)).eval()
    assert taken(log_softmax, X) is log_softmax  # its outputs are logits


def test_a_softmax_is_noticed():
    """Its loss is then that of the network without it, as log softmax(log softmax(z)) = log softmax(z)."""
    found = taken(Own(lambda z: z.softmax(1)).eval(), X)
    assert notes_of(found)[0].startswith("network: it ends in a softmax")
    labels = torch.tensor([0, 1, 2])
    torch.testing.assert_close(
        losses(ClassLoss(found, labels), X), losses(ClassLoss(Own().eval(), labels), X), rtol=1e-5, atol=1e-6
    )


def test_half_precision_is_made_single():
    model = Own().eval().half()
    found = taken(model, X)
    assert found(X).dtype == torch.float32 and notes_of(found) == ["network: float16, made float32"]
    assert next(model.parameters()).dtype == torch.float16  # the user's stays as it was


class Noisy(nn.Module):
    def forward(self, x):
        return x + 0.01 * torch.randn(x.shape)


class DropoutLeftOn(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5)  # training=True is its default


@torch.no_grad()
def without_gradients(x):
    return 2 * x


def stops(x):
    raise KeyError("mask")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Own(before=Noisy()).eval(), "the network answers differently when it is asked twice, by .*: dropout"),
        (Own(before=DropoutLeftOn()).eval(), "answers differently when it is asked twice"),
        (Own(lambda z: z[:, :1]).eval(), "a network of at least 2 outputs, got 1: the softmax of one is 1"),
        (Own(lambda z: z.mean()).eval(), r"must give logits \(n, classes\), got \(\) torch.float32 for 3 points"),
        (Own(lambda z: z.argmax(1)).eval(), r"must give logits \(n, classes\), got \(3,\) torch.int64"),
        (Own(lambda z: z / 0).eval(), "the network gives NaN or infinite logits"),
        (Own(before=without_gradients).eval(), "forward runs without gradients"),
        (Own(lambda z: z.detach()).eval(), "forward runs without gradients"),
        (Own(lambda z: {"out": z}).eval(), "or a tuple of them first, got a dict with out; say where.*logits='out'"),
        (Own(lambda z: "four").eval(), "or a tuple of them first, got a str"),
        (Own(before=stops).eval(), r"the network cannot take points of shape \(5,\): 'mask'"),
        (Own(before=lambda x: x[:, :2]).eval(), r"the network cannot take points of shape \(5,\): mat1 and mat2"),
        (Own(), "the model is in training mode"),
        (len, "must be a torch.nn.Module, got builtin_function_or_method"),
    ],
)
def test_what_is_no_network_for_paths_is_refused_in_one_line(model, message):
    with pytest.raises(ValueError, match=message) as error:
        taken(model, X)
    assert "\n" not in str(error.value)


def test_a_place_that_is_not_there():
    with pytest.raises(ValueError, match=r"got a dict with logits at 'out'"):
        taken(Own(lambda z: {"logits": z}).eval(), X, "out")


FACTORIES = """
import sys
from torch import nn

class Answer(dict):
    pass

class Wrapped(nn.Module):
    def __init__(self, shape, n_classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(5, n_classes))

    def forward(self, x):
        return {"logits": self.layers(x)}

def gives_up(shape, n_classes):
    print("usage: train.py --config FILE", file=sys.stderr)
    sys.exit(0)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "factories.py").write_text(FACTORIES)
    (tmp_path / "script.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("factories", "script"):
        __import__("sys").modules.pop(name, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("factories:gives_up", "the network factories:gives_up cannot be made: SystemExit: 0"),
        ("script:model", "cannot import the module 'script'"),
    ],
)
def test_a_factory_that_calls_exit(own, percolation, name, message):
    """It ended the command with code 0 and nothing said."""
    arguments = f"connect --network {name} --data none --dim 5 --training untrained --pair class-optimal"
    code, output, error = percolation(*arguments.split(), "--out", own / "out")
    assert code == 2 and not output and message in error


def test_a_wrapped_network_with_wrapped_weights_by_the_command(own, percolation):
    """What was done is printed, and kept in run.json."""
    model = models.untrained("factories:Wrapped", (5,), 3, seed=1)
    torch.save(
        {"model": {"module." + name.removeprefix("network."): x for name, x in model.state_dict().items()}}, "w.pt"
    )
    arguments = "connect --network factories:Wrapped --weights w.pt --data none --dim 5 --pair class-optimal --pairs 1"
    code, output, error = percolation(*arguments.split(), "--no-theory", "--out", own / "out")
    assert (code, error) == (0, "")
    said = [
        "weights: taken from 'model' of the checkpoint",
        "weights: 'module.' taken off the names",
        "network: logits taken from `logits` of a dict",
    ]
    assert __import__("json").loads((own / "out" / "run.json").read_text())["notes"] == said[2:] + said[:2]
    assert all(line in output for line in said)
