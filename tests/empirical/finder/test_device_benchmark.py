import pytest
import torch

from benchmarks import device


@pytest.mark.parametrize("name", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_every_stage_is_timed(name, capsys):
    if name != "cpu" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    rows = device.main(["--device", name, "--quick", "--repeats", "1"])
    assert [row.stage for row in rows] == ["forward scan", "gradient step", "class-optimal search", "find_paths"]
    assert all(row.seconds > 0 and row.rate > 0 for row in rows)
    printed = capsys.readouterr().out
    assert f"{name}:" in printed and "points/s" in printed


def test_an_absent_device_is_named():
    with pytest.raises(ValueError, match="unknown device 'cpux', expected one of cpu.*did you mean 'cpu'"):
        device.main(["--device", "cpux"])
