"""The tutorials run as their first lines say, print what they promise, and draw."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scale_dimension", "d = 13: p_c = 0.0"),
        ("compare_with_networks", "the path finder connects"),
        ("make_a_figure", r"macro: \pc"),
    ],
)
def test_a_tutorial(name, said, tmp_path, capsys):
    drawn = importlib.import_module(f"papers.tutorials.{name}").main(tmp_path)
    assert said in capsys.readouterr().out
    assert drawn and all(path.stat().st_size > 0 for path in drawn)
