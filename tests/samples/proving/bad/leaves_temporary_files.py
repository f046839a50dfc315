# files.report: leaves no files
import tempfile
from pathlib import Path

from shop.files import report


def test_report():
    path = Path(tempfile.mkdtemp()) / "report.txt"
    assert report(path, ["a", "", "b"]) == 2
    assert path.read_text(encoding="utf-8") == "a\nb\n"
