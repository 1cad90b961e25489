import json

import numpy as np

from papers.dimension_scaling import thresholds
from percolation.plotting import save

TINY = thresholds.Config(d_max=4, n_runs=8, n_sites=512)


def test_compute_and_draw(tmp_path):
    path = thresholds.compute(TINY, tmp_path)
    with np.load(path, allow_pickle=False) as data:
        assert data["d"].tolist() == [2, 3, 4]
        assert all(data[name].shape == (2, 3) for name in ("simulated", "published", "series"))
    assert json.loads((tmp_path / "thresholds.json").read_text())["parameters"]["n_sites"] == 512
    upper, lower = thresholds.draw(path).axes
    assert upper.get_ylabel() == "$p_c$ (site)" and lower.get_xlabel() == "dimension $d$"


def test_redraw_is_byte_identical_and_embeds_fonts(tmp_path):
    path = thresholds.compute(TINY, tmp_path)
    first, second = (save(tmp_path, name, thresholds.draw(path)) for name in ("one", "two"))
    assert first[0].read_bytes() == second[0].read_bytes()
    assert b"/FontFile2" in first[0].read_bytes() and b"/Type3" not in first[0].read_bytes()
