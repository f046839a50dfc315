# files.report
from shop.files import report


def test_rows_are_written(tmp_path):
    path = tmp_path / "report.txt"
    assert report(path, ["a", "", "b"]) == 2
    assert path.read_text(encoding="utf-8") == "a\nb\n"
