"""Which file holds the settings, and which files are named since they look like it."""

from __future__ import annotations

import pytest

from reviewer.domain.settings_files import find_settings, look_alike_problem, no_text


@pytest.mark.parametrize(
    "path",
    [
        *(".github/reviewer.yml", ".github/reviewer.yaml", ".github/Reviewer.yml", ".github/REVIEWER.YML"),
        *(".github/reviewer.YAML", ".GitHub/reviewer.yml", ".GITHUB/Reviewer.Yaml"),
    ],
)
def test_the_folder_of_github_may_hold_it_under_either_name_and_in_any_case(path: str) -> None:
    """It is read, and nothing is said."""
    place = find_settings({"README.md": True, ".github": False, path: True, ".github/workflows": False})
    assert (place.path, place.problems) == (path, ())


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        ((".github/reviewer.yaml", ".github/reviewer.yml"), ".github/reviewer.yml"),
        ((".github/Reviewer.yml", ".github/reviewer.yaml"), ".github/reviewer.yaml"),
        ((".github/REVIEWER.yaml", ".github/Reviewer.yml"), ".github/Reviewer.yml"),
        ((".GITHUB/reviewer.yml", ".github/reviewer.yml", ".github/reviewer.yaml"), ".github/reviewer.yml"),
    ],
)
def test_of_several_the_others_are_named(paths: tuple[str, ...], chosen: str) -> None:
    """One is read; each other gets a line that says that it is not."""
    place = find_settings(dict.fromkeys(paths, True))
    assert place.path == chosen
    assert {problem.path for problem in place.problems} == {*paths} - {chosen}
    assert all("not read, because" in str(problem) for problem in place.problems)


def test_a_link_or_folder_in_its_place_stops_the_review() -> None:
    """It may stand for settings that narrow the review."""
    (problem,) = find_settings({".github/reviewer.yml": False}).problems
    assert problem.stops
    assert no_text(".github/reviewer.yml").stops


@pytest.mark.parametrize(
    "path",
    [
        *("reviewer.yml", ".reviewer.yml", "reviewer.yaml", ".reviewer.yaml", "Reviewer.yml", ".github/.reviewer.yml"),
        *(".github/reviewer.json", "reviewer.toml", ".reviewerrc", ".github/minimax-reviewer.yml", ".github/reviewer"),
        *(
            "minimax-reviewer.yaml",
            ".github/reviewer-config.yml",
            "reviewer.config.yml",
            ".github/reviewer_settings.yml",
        ),
    ],
)
def test_look_alikes(path: str) -> None:
    """They are not read, and are named if their text is about us."""
    place = find_settings({path: True, ".github/reviewer.yml": True})
    assert (place.path, place.look_alikes) == (".github/reviewer.yml", (path,))
    for text in (
        "review:\n  exclude: [a]\n",
        "budget: {per_review_usd: 1}\n",
        '{\n  "review": {}\n}',
        "[tests]\na = 1\n",
        None,
    ):
        problem = look_alike_problem(path, text)
        assert problem is not None
        assert str(problem).startswith(f"{path}:1: not read: settings are read from .github/reviewer.yml only")
        assert not problem.stops
    for text in ("name: reviewer\non: push\n", "services:\n  review:\n    image: x\n", "", "reviewers: [a]\n"):
        assert look_alike_problem(path, text) is None


@pytest.mark.parametrize(
    "path",
    [
        *("src/reviewer.yml", ".github/workflows/reviewer.yml", ".github/reviewers.yml", "reviewer.py", "reviewer.md"),
        *(".github/reviewer-lottery.yml", ".github/auto_reviewer.yml", "previewer.yml", ".github/CODEOWNERS"),
    ],
)
def test_other_files_are_left_alone(path: str) -> None:
    """Names that belong to other tools, and other folders."""
    assert find_settings({path: True}) == find_settings({})
