"""The SARIF log is valid, true to the review, and changes files as the suggestion would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff.model import Side
from reviewer.domain.findings import Category, Finding, Review, Skipped
from reviewer.domain.severity import Severity
from reviewer.output.sarif import to_sarif
from tests.fixtures.factories import anchor, finding, small_diff

SCHEMA = json.loads((Path(__file__).parent / "published" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))


def run_of(review: Review) -> dict[str, Any]:
    """Return the one run of the review's log, after holding the log against the schema."""
    log = json.loads(to_sarif(review, small_diff()))
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    return run


def result_of(one: Finding) -> dict[str, Any]:
    (result,) = run_of(Review("s", (one,), files_reviewed=1))["results"]
    return result


def test_the_schema_refuses_what_is_not_sarif() -> None:
    """The schema these tests rely on is not one that accepts everything."""
    log = json.loads(to_sarif(Review("s", (finding(),), files_reviewed=1), small_diff()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMA).validate(log)


def test_a_finding_becomes_a_result() -> None:
    """Rule, level, place, message and fingerprint are those of the finding."""
    result = result_of(finding(anchor("src/app.py", 13, 12), severity=Severity.ERROR, category=Category.SECURITY))
    assert (result["ruleId"], result["level"]) == ("security", "error")
    assert result["message"]["text"] == "The count is ignored\n\n`item.count` no longer counts."
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/app.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12, "endLine": 13}
    assert result["partialFingerprints"] == {"primaryLocationLineHash": "f1:1", "reviewerFinding/v1": "f1"}


@pytest.mark.parametrize("category", Category)
def test_every_category_has_its_rule(category: Category) -> None:
    """The rule index of a result leads to the rule with its id, in every category."""
    run = run_of(Review("s", (finding(category=category),), files_reviewed=1))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == str(category)


@pytest.mark.parametrize(("severity", "level"), [("info", "note"), ("warning", "warning"), ("error", "error")])
def test_levels(severity: str, level: str) -> None:
    """Severities are SARIF's levels under their own names."""
    assert result_of(finding(severity=Severity(severity)))["level"] == level


@pytest.mark.parametrize(("path", "old", "new"), [("src/app.py", 12, 12), ("src/ü name.ts", 1, 1), ("gone.py", 2, 1)])
def test_removed_lines_stand_where_their_code_was(path: str, old: int, new: int) -> None:
    """A finding about removed code has a line of the new file, names the removed one, and carries no fix."""
    result = result_of(finding(anchor(path, old, side=Side.LEFT), suggestion="x"))
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": new, "endLine": new}
    assert result["message"]["text"].startswith(f"About removed line {old}: ")
    assert (result["properties"]["side"], result["properties"]["line"]) == ("LEFT", old)
    assert "fixes" not in result


def applied(lines: list[str], region: dict[str, int], text: str) -> str:
    """Apply a SARIF replacement to a file as section 3.57 says, by characters."""
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = "".join(lines)
    begin = starts[region["startLine"] - 1] + region.get("startColumn", 1) - 1
    last = lines[region["endLine"] - 1] if "endColumn" not in region else ""
    end = starts[region["endLine"] - 1] + region.get("endColumn", len(last.rstrip("\r\n")) + 1) - 1
    return whole[:begin] + text + whole[end:]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("suggestion", ["", "one", "one\ntwo", "    \tindented"])
def test_a_fix_does_what_the_suggestion_says(suggestion: str, newline: str) -> None:
    """Applied as the standard says, a fix replaces exactly the anchored lines, with any line end, or deletes them."""
    text = suggestion.replace("\n", newline) + ("\r" if suggestion and newline == "\r\n" else "")
    (fix,) = result_of(finding(anchor("src/app.py", 13, 12), suggestion=text))["fixes"]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    lines = [f"line {number}{newline}" for number in range(1, 21)]
    after = applied(lines, replacement["deletedRegion"], replacement.get("insertedContent", {}).get("text", ""))
    new = [line + newline for line in suggestion.split("\n")] if suggestion else []
    assert after == "".join([*lines[:11], *new, *lines[13:]])


def test_paths_are_percent_encoded() -> None:
    """A path becomes a relative reference that reads back to the path, also with spaces, letters and colons."""
    result = result_of(finding(anchor("src/ü name.ts", 1)))
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "src/%C3%BC%20name.ts"
    assert unquote(uri) == "src/ü name.ts"


def test_messages_hold_no_placeholder_and_no_link() -> None:
    """Braces and links of the model's text are text by the rules of the standard."""
    text = result_of(finding(title="Use {0} and [here](http://evil.example)", body=""))["message"]["text"]
    assert text == "Use {{0}} and [here\\](http://evil.example)"


def test_nothing_reviewed_is_not_success() -> None:
    """A log without results says whether that is praise: failed when no file was reviewed, and what was left out."""
    invocation = run_of(Review("s", skipped=(Skipped("a.lock", "lock file"),)))["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "Not reviewed: a.lock: lock file"
    assert run_of(Review("s", files_reviewed=1))["invocations"][0] == {"executionSuccessful": True}


@pytest.mark.slow
def test_limits_of_code_scanning() -> None:
    """At most 5,000 results and no endless message; what is below the line is no alert."""
    many = tuple(finding(title="x" * 2000) for _ in range(5001))
    run = json.loads(to_sarif(Review("s", many, below=(finding(),), files_reviewed=1), small_diff()))["runs"][0]
    assert len(run["results"]) == 5000
    assert len(run["results"][0]["message"]["text"]) == 1000


@pytest.mark.slow  # computes for a second
@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_a_valid_log(title: str, body: str) -> None:
    """Whatever the model writes, lone surrogates and controls included, the log is ASCII, valid and not empty."""
    review = Review("s", (finding(title=title, body=body, suggestion=body),), files_reviewed=1)
    assert to_sarif(review, small_diff()).isascii()
    assert run_of(review)["results"][0]["message"]["text"]
