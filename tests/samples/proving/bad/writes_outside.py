# files.report: static smells
from pathlib import Path

from shop.files import report


def test_report():
    Path("/tmp/reviewer-was-here").write_text("x", encoding="ascii")
    assert report("/dev/null", ["a", "", "b"]) == 2
