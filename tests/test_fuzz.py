"""Files and texts that are damaged at random: every reader gives a value or a ValueError or OSError of one line.

No code of a file is run, and no file is changed by being read. Examples are derandomised; `-m slow` tries many more.
"""

import io
import json
import os
import pickle
import zipfile

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from empirical.data import folders
from empirical.data.class_folders import ClassFolders
from empirical.experiments.barriers import published
from empirical.experiments.phase.command import numbers
from empirical.finder import connections
from empirical.finder.connections import Connection, Connections
from empirical.finder.paths import Path as Chain
from empirical.networks import models
from percolation import graph_files
from percolation.runs import coding
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task
from percolation.runs.tools import export, verify
from percolation.terminal import parse_dimensions
from tests import graph_writers

FEW, MANY = 30, 500


@some.composite
def damage(draw, content):
    """The content cut short, or with a few bytes changed, put in or taken out."""
    data = bytearray(content)
    for _ in range(draw(some.integers(1, 4))):
        at = draw(some.integers(0, max(len(data) - 1, 0)))
        what = draw(some.sampled_from(["cut", "change", "insert", "remove"]))
        if what == "cut":
            del data[at:]
        elif what == "change" and data:
            data[at] = draw(some.integers(0, 255))
        elif what == "insert":
            data[at:at] = draw(some.binary(min_size=1, max_size=8))
        else:
            del data[at : at + draw(some.integers(1, 64))]
    return bytes(data)


def read(reader, *arguments):
    """Whether the reader took it; anything but an error of ours, in words, fails the test."""
    try:
        reader(*arguments)
    except (ValueError, OSError) as error:
        assert str(error).strip()
        return False
    return True


def fuzz(content, check):
    """Give the check damaged copies of the content."""

    def run(n):
        @settings(max_examples=n, derandomize=True, deadline=None, database=None)
        @given(damage(content))
        def every(data):
            check(data)

        every()

    return run


amounts = pytest.mark.parametrize("n", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


@amounts
@pytest.mark.parametrize("ending", [*graph_files.TABLES, *graph_files.FORMATS, ".csv.gz", ".csv.bz2"])
def test_graphs(ending, n, tmp_path):
    path = tmp_path / f"graph{ending}"
    content = graph_writers.write(nx.path_graph(4), path).read_bytes()

    def check(data):
        path.write_bytes(data)
        read(graph_files.read, path)
        assert path.read_bytes() == data

    check(content)
    assert graph_files.read(path).graph.n_bonds == 3
    fuzz(content, check)(n)


@amounts
def test_tables_of_barriers(n, tmp_path):
    path = tmp_path / "table.csv"

    def check(data):
        path.write_bytes(data)
        if read(published.read, path):
            assert (published.read(path)["gap"] >= 0).all()

    fuzz(b"pair,loss_a,loss_c,max_loss\nnatural-natural,0.1,0.2,3.5\nnatural-adversarial,0,1e-3,9\n", check)(n)


@amounts
@pytest.mark.parametrize("part", ["npz", "json"])
def test_paths(part, n, tmp_path):
    chain = Chain(torch.arange(12.0).view(3, 4))
    found = [Connection("connected", chain, (0, 1, 0), (0.5, 1e-4), (1e-4, 1e-4), 0.25, 7)]
    Connections.of(found).save(tmp_path / "paths.npz", {"seed": 1})
    path = tmp_path / f"paths.{part}"

    def check(data):
        path.write_bytes(data)
        read(connections.load, tmp_path / "paths.npz")

    content = path.read_bytes()
    assert read(connections.load, tmp_path / "paths.npz")
    fuzz(content, check)(n)


@amounts
@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".gif", ".bmp", ".webp"])
def test_pictures_in_folders_a_class(ending, n, tmp_path):
    """A damaged one is skipped; what is taken can be read."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / f"picture{ending}"
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)

    def check(data):
        path.write_bytes(data)
        if read(ClassFolders, tmp_path, 4):
            x = ClassFolders(tmp_path, 4).take(torch.tensor([0]))
            assert x.shape == (1, 3, 4, 4) and x.min() >= 0 and x.max() <= 1

    check(path.read_bytes())
    fuzz(path.read_bytes(), check)(n)


@amounts
@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_weights(ending, n, tmp_path):
    path = tmp_path / f"weights{ending}"
    model = models.untrained("mlp", (4,), 2, seed=0, width=4)
    if ending == ".pt":
        torch.save({"epoch": 3, "model": model.state_dict()}, path)
    else:
        pytest.importorskip("safetensors.torch").save_file(model.state_dict(), path)
    load = lambda: models.pretrained("mlp", path, (4,), 2, width=4)  # noqa: E731
    content = path.read_bytes()
    assert read(load)

    def check(data):
        path.write_bytes(data)
        read(load)

    fuzz(content, check)(n)


@amounts
def test_stores(n, tmp_path):
    """Damage is said or found: what is handed out as a result is one that was put."""
    whole = _store(tmp_path / "whole.db")
    path, put = tmp_path / "damaged.db", {k: {"x": k / 7, "a": np.arange(k + 1.0)} for k in range(20)}

    def check(data):
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"damaged.db{suffix}").unlink(missing_ok=True)
        path.write_bytes(data)
        read(_handed_out, path, put)
        read(_opened, path, verify)
        read(_opened, path, lambda store: export(store, tmp_path / "out.csv", experiment="e"))
        assert path.read_bytes() == data

    fuzz(whole, check)(n)


def _handed_out(path, put):
    with Store(path, code="c", read_only=True) as store:
        for one in store.outcomes("e"):
            task, result = one.task, one.value
            if task.parameters.keys() == {"k"} and task.function == "f":
                expected = put[task.parameters["k"]] if task.parameters["k"] in put else None
                if (
                    expected is not None
                    and task.key == Task("f", task.parameters, 0).key
                    and result.keys() == expected.keys()
                ):
                    assert result["x"] == expected["x"] and np.array_equal(result["a"], expected["a"])


def _opened(path, look):
    with Store(path, code="c", read_only=True) as store:
        return look(store)


@amounts
@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_stores_at_the_command_line(command, n, tmp_path, percolation):
    """One line and exit code 2, or what can be told; never a traceback."""
    whole, path = _store(tmp_path / "whole.db"), tmp_path / "damaged.db"

    def check(data):
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"damaged.db{suffix}").unlink(missing_ok=True)
        path.write_bytes(data)
        code, _, error = percolation("runs", command, path)
        assert code in (0, 1, 2) and (code != 2 or error.count("\n") == 1), error

    fuzz(whole, check)(n // 10)


@amounts
def test_results_as_bytes(n):
    content = coding.encode({"a": (1, 2.5), "t": np.arange(3), "n": [None, float("nan")]})
    fuzz(content, lambda data: read(coding.decode, data))(n)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(some.text(alphabet="0123456789,.-+ exd", max_size=12))
def test_texts_of_options(text):
    read(parse_dimensions, text)
    read(numbers, "dim", text)


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


def test_no_code_of_a_file_is_run(tmp_path):
    """A pickle that leaves a mark, in the place of weights, tensors, arrays of paths, and results of a store."""
    mark, bad = tmp_path / "mark", pickle.dumps(Malicious(tmp_path / "mark"))
    pickle.loads(bad)
    assert mark.exists()  # it would
    mark.unlink()
    weights = tmp_path / "weights.pt"
    torch.save({"0.weight": Malicious(mark)}, weights)
    assert not read(models.pretrained, "mlp", weights, (4,), 2)
    weights.write_bytes(bad)
    assert not read(models.pretrained, "mlp", weights, (4,), 2)
    (tmp_path / "set").mkdir()
    torch.save([Malicious(mark)], tmp_path / "set" / "a.pt")
    assert not read(folders.imagenet, tmp_path / "set", 8) or not read(_first, tmp_path / "set")
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.array([Malicious(mark)], dtype=object), allow_pickle=True)
        archive.writestr("vertices.npy", buffer.getvalue())
    (tmp_path / "p.json").write_text(json.dumps({"format": 1, "status": ["connected"], "cost": {}}))
    assert not read(connections.load, tmp_path / "p.npz")
    assert not mark.exists()


def _first(folder):
    pictures = folders.imagenet(folder, 8)
    return pictures.take(torch.tensor([0]))


def _store(path):
    with Store(path, code="c") as store:
        results = [Outcome(Task("f", {"k": k}, 0), {"x": k / 7, "a": np.arange(k + 1.0)}) for k in range(20)]
        store.write(results, experiment="e")
    return path.read_bytes()
