"""The report: everything escaped, the same bytes, whole or not at all, sortable in a browser."""

import base64
import hashlib
import re
import shutil
import subprocess

import pytest

from percolation.report import page as report
from percolation.report.page import SCRIPT
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task

EVIL = "<script>document.title='no'</script>"
CHROMIUM = shutil.which("chromium")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "runs.db"
    with Store(path, code="one") as opened:
        tasks = [
            Outcome(Task("m.f", {"L": L, "kind": EVIL}, (0, k)), {"x": k / L}) for L in (8, 16, 100) for k in range(4)
        ]
        opened.write(tasks, experiment="e")
        failure = Outcome(Task("m.f", {"L": 8, "kind": EVIL}, (0, 9)), None, "raised", EVIL, EVIL)
        opened.write([failure], experiment="e")
        opened.with_code("two").put(Task("m.g", {}, 0), {"y": 1.0}, experiment="f")
    return path


def test_everything_of_the_store_is_escaped(store, tmp_path):
    text = report.write(store, tmp_path / "r.html").read_text()
    assert EVIL not in text
    assert text.count("<script>") == 1
    assert text.count("&lt;script&gt;") >= 3 + 3  # cases; failure's parameters, message, traceback


def test_same_store_same_bytes_and_no_addresses(store, tmp_path):
    first, second = (report.write(store, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second
    assert b"<svg" in first
    assert not re.search(rb'(?:href|src)="(?!#)|url\((?!#)|@import', first)


def test_unknown_experiment_writes_nothing(store, tmp_path):
    with pytest.raises(ValueError, match="no results of experiment 'g'"):
        report.write(store, tmp_path / "r.html", experiment="g")
    assert not (tmp_path / "r.html").exists()


def test_the_policy_allows_the_page_s_own_script_alone(store, tmp_path):
    text = report.write(store, tmp_path / "r.html").read_text()
    script = text[text.index("<script>") + len("<script>") : text.index("</script>")]
    allowed = re.search(r"script-src 'sha256-([^']+)'", text)
    assert allowed and base64.b64decode(allowed[1]) == hashlib.sha256(script.encode()).digest()
    assert "default-src 'none'" in text


def test_long_tables_are_cut_with_a_note(tmp_path):
    with Store(tmp_path / "long.db", code="one") as opened:
        opened.write([Outcome(Task("m.f", {"L": L}, (0, 0)), {"x": 1.0 / L}) for L in range(1, 402)], experiment="e")
    text = report.write(tmp_path / "long.db", tmp_path / "r.html").read_text()
    assert "The first 300 of 401 rows" in text and "percolation runs export" in text
    assert text.count("<tr><td") == 300


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_click_sorts_by_number(store, tmp_path):
    html = report.write(store, tmp_path / "r.html", experiment="e")
    click = "document.querySelector('th button').click(); document.querySelector('th button').click();"
    text = html.read_text().replace(SCRIPT, SCRIPT + click)
    html.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text))  # the policy forbids the test's own click
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom", html.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    first = dom[dom.index("<tbody>") : dom.index("</tbody>")]
    assert re.findall(r"<tr><td[^>]*>(\d+)<", first) == ["100", "16", "8"]
    assert 'aria-sort="descending"' in dom
