"""What the step says to the runner cannot be forged by what it says it about."""

from __future__ import annotations

from reviewer.domain.severity import Severity
from tests.fixtures.factories import finding
from webhooks.action.workflow_commands import annotation_commands, command, output_lines, summary_within_limit


def test_a_command_is_one_line_whatever_it_holds() -> None:
    """Line ends, percent signs and the separators of properties are escaped, so nothing injected is executed."""
    line = command("error", "a\n::set-output name=x::1\r100%", file="a,b:c.py", line=3, title="t\n::stop")
    assert line == ("::error file=a%2Cb%3Ac.py,line=3,title=t%0A%3A%3Astop::a%0A::set-output name=x::1%0D100%25")
    assert command("notice", "plain") == "::notice::plain"


def test_findings_become_annotations_as_many_as_are_shown() -> None:
    """Ten of a kind, with their range and level."""
    lines = annotation_commands([finding(severity=Severity.ERROR)] * 12 + [finding(severity=Severity.INFO)])
    assert len(lines) == 11
    assert lines[0].startswith("::error file=src/app.py,line=12,endLine=12,title=")
    assert lines[-1].startswith("::notice ")


def test_outputs_survive_any_value() -> None:
    """A value with newlines and with a delimiter's look stays one value; the delimiter differs each time."""
    text = output_lines({"a": "x\nend-0\ny", "b": ""})
    name, delimiter = text.splitlines()[0].split("<<")
    assert name == "a"
    assert text.split(f"\n{delimiter}\n")[0] == f"a<<{delimiter}\nx\nend-0\ny"
    assert delimiter not in output_lines({"a": "x"})


def test_a_summary_stays_within_the_runners_limit() -> None:
    """A larger one is cut at a line and says so; the runner would throw it away whole."""
    assert summary_within_limit("short\n") == "short\n"
    cut = summary_within_limit("ä line\n" * 200_000)
    assert len(cut.encode()) < 1_048_576
    assert cut.endswith("ends here.\n")
