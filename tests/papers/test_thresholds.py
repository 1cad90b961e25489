import json

import pandas as pd

from papers.dimension_scaling import thresholds
from percolation.plotting import save

TINY = thresholds.Config(d_max=4, n_runs=8, n_sites=512)


def test_compute_and_draw(tmp_path):
    path = thresholds.compute(TINY, tmp_path)
    table = pd.read_csv(path)
    assert table["d"].tolist() == [2, 3, 4]
    assert (table[["estimate", "error", "reference", "series", "series_error"]] > 0).all(axis=None)
    assert json.loads((tmp_path / "thresholds.json").read_text())["parameters"]["n_sites"] == 512
    upper, lower = thresholds.draw(path).axes
    assert upper.get_ylabel() == "$p_c$ (site)" and lower.get_xlabel() == "dimension $d$"


def test_redraw_is_byte_identical_and_embeds_fonts(tmp_path):
    path = thresholds.compute(TINY, tmp_path)
    first, second = (save(tmp_path, name, thresholds.draw(path)) for name in ("one", "two"))
    assert first[0].read_bytes() == second[0].read_bytes()
    assert b"/FontFile2" in first[0].read_bytes() and b"/Type3" not in first[0].read_bytes()
