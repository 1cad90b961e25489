import json

import pytest
import torch

from benchmarks import device


@pytest.mark.parametrize("name", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_every_stage_is_timed(name, capsys, tmp_path):
    if name != "cpu" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    kept = tmp_path / "rows.jsonl"
    rows = device.main(["--device", name, "--quick", "--repeats", "1", "--serial", "1", "--out", str(kept)])
    stages = ["plain forward", "plain gradient", "class-optimal search"]
    stages += [f"{scan} search, {call} call" for scan in ("sparse", "dense") for call in ("first", "second")]
    assert [row.stage for row in rows] == [*stages, "published serial"]
    assert all(row.seconds > 0 and row.rate > 0 for row in rows)
    for row in rows[3:7]:
        assert row.note.startswith("share ") and "3 connected" in row.note
        assert 0 < float(row.note.split()[1].rstrip(";")) < 10  # 1 but for a machine at other work
    assert [json.loads(line)["stage"] for line in kept.read_text().splitlines()] == [row.stage for row in rows]
    printed = capsys.readouterr().out
    assert f"{name}:" in printed and "points/s" in printed


def test_an_absent_device_is_named():
    with pytest.raises(ValueError, match="unknown device 'cpux', expected one of cpu.*did you mean 'cpu'"):
        device.main(["--device", "cpux"])


def test_pairs_are_of_one_class_and_of_two_inputs():
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2])
    i, j = device._pairs(labels, 500)
    assert torch.equal(labels[i], labels[j]) and (i != j).all()
    assert len({*zip(i.tolist(), j.tolist(), strict=True)}) == 3 * 2 + 2 + 2
