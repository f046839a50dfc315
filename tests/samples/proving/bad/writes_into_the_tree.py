# files.report: leaves no files
from pathlib import Path

from shop.files import report


def test_report():
    path = Path(__file__).parent / "report.txt"
    assert report(path, ["a", "", "b"]) == 2
    assert path.read_text(encoding="utf-8") == "a\nb\n"
