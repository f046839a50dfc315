"""The interpreter of composite actions does what GitHub's runner does, and refuses what would pass by luck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.expressions import ExpressionError, Open, evaluate, holds, interpolate
from tests.fakes.runner import Event, Run, Runner
from tests.fakes.runner_protocol import Annotation, RunnerRefused, parse_pairs

PULL = Event(
    "pull_request",
    {
        "repository": {"full_name": "octo/shop"},
        "sender": {"login": "mona"},
        "pull_request": {"number": 7, "head": {"ref": "fix", "sha": "1" * 40}, "base": {"ref": "main"}},
    },
    sha="2" * 40,
)


def carry_out(tmp_path: Path, steps: list[dict[str, Any]], *, event: Event = PULL, **more: Any) -> Run:
    """Run a toy action; `inputs`, `given` and `outputs` describe it, what is left goes to the runner."""
    folder = tmp_path / "action"
    folder.mkdir(exist_ok=True)
    (tmp_path / "workspace").mkdir(exist_ok=True)
    action = {
        "name": "toy",
        "inputs": more.pop("inputs", {}),
        "outputs": {name: {"value": value} for name, value in more.pop("outputs", {}).items()},
        "runs": {
            "using": "composite",
            "steps": [{"shell": "bash"} | step if "run" in step else step for step in steps],
        },
    }
    (folder / "action.yml").write_text(yaml.safe_dump(action), encoding="utf-8")
    given = more.pop("given", {})
    runner = Runner(tmp_path / "home", tmp_path / "workspace", "http://127.0.0.1:9", **more)
    return runner.run(folder, given, event)


@pytest.mark.slow
def test_steps_pass_values_by_environment_output_and_path(tmp_path):
    """What a step writes to its files is there for the next step, in both forms, and for the action's outputs."""
    first = """
    mkdir "$RUNNER_TEMP/bin"; printf '#!/bin/sh\\necho tool' > "$RUNNER_TEMP/bin/tool"; chmod +x "$RUNNER_TEMP/bin/tool"
    echo "$RUNNER_TEMP/bin" >> "$GITHUB_PATH"
    echo 'PLAIN=a=b' >> "$GITHUB_ENV"
    printf 'BLOCK<<END\\none\\ntwo\\nEND\\n' >> "$GITHUB_ENV"
    echo 'word=hello' >> "$GITHUB_OUTPUT"
    """
    second = 'echo "seen=$(tool) $PLAIN $BLOCK $WORD" | tr "\\n" " " >> "$GITHUB_OUTPUT"'
    done = carry_out(
        tmp_path,
        [{"id": "one", "run": first}, {"id": "two", "run": second, "env": {"WORD": "${{ steps.one.outputs.word }}"}}],
        outputs={"seen": "<${{ steps.two.outputs.seen }}>", "nothing": "${{ steps.one.outputs.unset }}"},
    )
    assert done.outputs == {"seen": "<tool a=b one two hello >", "nothing": ""}
    assert not done.failed


@pytest.mark.slow
def test_environment_is_the_one_that_github_documents(tmp_path):
    """The event, the merge commit and the refs of the pull request are where an action looks; no token is."""
    done = carry_out(
        tmp_path,
        [
            {
                "run": 'echo "$GITHUB_EVENT_NAME $GITHUB_REPOSITORY $GITHUB_SHA $GITHUB_REF $GITHUB_HEAD_REF '
                '$GITHUB_BASE_REF $GITHUB_API_URL ${GITHUB_TOKEN-none} $CI"; pwd\n'
                'grep -c full_name "$GITHUB_EVENT_PATH"'
            }
        ],
        environ={"GITHUB_SHA": "cannot be overridden"},
    )
    assert done.log.splitlines() == [
        f"pull_request octo/shop {'2' * 40} refs/pull/7/merge fix main http://127.0.0.1:9 none true",
        str(tmp_path / "workspace"),
        "1",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("given", "expected"), [({}, "m default"), ({"word": ""}, "m "), ({"word": "$(x) `y`"}, None)])
def test_inputs_reach_the_step_by_environment_only(tmp_path, given, expected):
    """An input has its default only when it is not given at all, and its text is never run."""
    done = carry_out(
        tmp_path,
        [{"run": 'echo "m $WORD"', "env": {"WORD": "${{ inputs.word }}"}}],
        inputs={"word": {"default": "default"}},
        given=given,
    )
    assert done.log == f"{expected if expected is not None else 'm ' + given['word']}\n"


@pytest.mark.slow
def test_failure_skips_what_follows_except_where_if_says_otherwise(tmp_path):
    """After a failed step only always() and failure() run, outputs are still read, and the action has failed."""
    done = carry_out(
        tmp_path,
        [
            {"id": "breaks", "run": "echo kept=1 >> $GITHUB_OUTPUT\nfalse | true\necho never >> $GITHUB_OUTPUT"},
            {"id": "next", "run": "true"},
            {"id": "rescue", "run": "true", "if": "failure() && steps.breaks.outputs.kept == '1'"},
            {"id": "last", "run": "true", "if": "${{ always() }}"},
        ],
        outputs={"kept": "${{ steps.breaks.outputs.kept }}"},
    )
    assert [step.outcome for step in done.steps] == ["failure", "skipped", "success", "success"]
    assert done.failed
    assert done.steps[0].exit_code == 1
    assert done.outputs == {"kept": "1"}


@pytest.mark.slow
def test_annotations_are_read_unless_commands_are_stopped(tmp_path):
    """Escapes are undone, and a command between the stop marks is text."""
    done = carry_out(
        tmp_path,
        [
            {
                "run": "echo '::error file=a%2Cb.py,line=3,title=50%25::one%0Atwo%3A'\n"
                "echo '::stop-commands::t0ken'\necho '::error::injected'\necho '::t0ken::'\n"
                "printf 'text\\r::notice::after a carriage return\\n'"
            }
        ],
    )
    assert done.annotations == [
        Annotation("error", "one\ntwo%3A", {"file": "a,b.py", "line": "3", "title": "50%"}),
        Annotation("notice", "after a carriage return"),
    ]


@pytest.mark.slow
def test_ten_annotations_of_a_level_are_shown(tmp_path):
    """The eleventh of a level in one step is dropped, as GitHub drops it."""
    done = carry_out(tmp_path, [{"run": "for i in {1..12}; do echo ::warning::$i; done; echo ::error::x"}])
    assert [one.message for one in done.annotations] == [*map(str, range(1, 11)), "x"]
    assert done.steps[0].dropped_annotations == 2


@pytest.mark.slow
def test_secrets_and_masks_are_hidden(tmp_path):
    """The token, a registered secret and what a step masks never stand in the log or the summary."""
    done = carry_out(
        tmp_path,
        [
            {
                "run": 'echo ::add-mask::third\necho "$T first third" | tee -a "$GITHUB_STEP_SUMMARY"',
                "env": {"T": "${{ github.token }}"},
            }
        ],
        secrets=("first",),
    )
    assert done.log.splitlines()[1] == "*** *** ***"
    assert done.summary == "*** *** ***\n"


@pytest.mark.slow
def test_summary_over_a_mebibyte_is_refused(tmp_path):
    """One byte more than 1 MiB loses the whole summary and leaves an error; the step itself does not fail."""
    write = {"run": 'head -c "$SIZE" /dev/zero | tr "\\0" x >> "$GITHUB_STEP_SUMMARY"'}
    fits = carry_out(tmp_path, [{**write, "env": {"SIZE": 1024 * 1024}}])
    assert len(fits.summary) == 1024 * 1024
    over = carry_out(tmp_path, [{**write, "env": {"SIZE": 1024 * 1024 + 1}}])
    assert (over.summary, over.failed, over.annotations[0].level) == ("", False, "error")


@pytest.mark.slow
def test_setup_python_gives_a_path_and_leaves_the_environment_when_told(tmp_path):
    """`python` is on PATH unless update-environment is false; the output names it either way."""
    use = {
        "id": "py",
        "uses": "actions/setup-python@v6",
        "with": {"python-version": "3.13", "update-environment": False},
    }
    ask = {
        "run": '"$PYTHON" -c "print(6 * 7)"\n'
        '[ "$(command -v python)" = "$PYTHON" ] && echo on PATH || echo not on PATH',
        "env": {"PYTHON": "${{ steps.py.outputs.python-path }}"},
    }
    assert carry_out(tmp_path, [use, ask]).log == "42\nnot on PATH\n"
    use["with"] = {"python-version": "3.13"}
    assert carry_out(tmp_path, [use, ask]).log == "42\non PATH\n"


@pytest.mark.slow
def test_step_that_ran_before_is_taken_over(tmp_path):
    """A step named in `ran` leaves its outputs without running a second time."""
    step = {"id": "slow", "run": 'echo "$GITHUB_RUN_ID" >> "$GITHUB_WORKSPACE/runs"; echo a=1 >> "$GITHUB_OUTPUT"'}
    outputs = {"a": "${{ steps.slow.outputs.a }}"}
    first = carry_out(tmp_path, [step], outputs=outputs)
    second = carry_out(tmp_path, [step], outputs=outputs, ran={"slow": first.steps[0]})
    assert first.outputs == second.outputs == {"a": "1"}
    assert (tmp_path / "workspace" / "runs").read_text() == "1\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"run": "echo ${{ inputs.word }}"}, "injection"),
        ({"run": "true", "shell": "pwsh"}, "must be bash"),
        ({"run": "true", "timeout-minutes": 1}, "unknown keys"),
        ({"uses": "actions/cache@v5"}, "nothing is known"),
        ({"uses": "actions/setup-python"}, "nothing is known"),
        ({"uses": "actions/setup-python@v6", "with": {"python": "3.13"}}, "unknown inputs"),
        ({"run": "echo '::set-output name=a::b'"}, "set-output"),
        ({"run": "echo '::error fiel=a::b'"}, "unknown properties"),
        ({"run": "echo nonsense >> $GITHUB_OUTPUT"}, "invalid format"),
        ({"run": "printf 'a<<END\\nb\\n' >> $GITHUB_OUTPUT"}, "delimiter not found"),
        ({"run": "echo NODE_OPTIONS=x >> $GITHUB_ENV"}, "NODE_OPTIONS"),
    ],
)
def test_what_github_would_not_accept_is_refused(tmp_path, step, reason):
    """A step that the runner refuses, or whose meaning we do not know, fails the test that runs it."""
    with pytest.raises(RunnerRefused, match=reason):
        carry_out(tmp_path, [step], inputs={"word": {}})


def test_unknown_inputs_are_refused(tmp_path):
    """A misspelt input would silently be its default on GitHub; here it is an error."""
    with pytest.raises(RunnerRefused, match="wrod"):
        carry_out(tmp_path, [{"run": "true"}], inputs={"word": {}}, given={"wrod": "x"})


CONTEXTS = {
    "inputs": {"word": "Hello", "empty": ""},
    "steps": {"one": {"outputs": Open({"n": "3"})}},
    "github": {"event": Open({"pull_request": {"draft": True}})},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.word == 'hello'", True),
        ("inputs.word != 'it''s'", True),
        ("inputs.empty || 'other'", "other"),
        ("inputs.empty && 'other'", ""),
        ("!inputs.empty", True),
        ("steps.one.outputs.n == 3", True),
        ("steps.one.outputs.missing == ''", True),
        ("github.event.pull_request.draft", True),
        ("github.event.issue.number == null", True),
        ("true && (false || 2 > 1.5)", True),
        ("startsWith(inputs.word, 'HE') && endsWith(inputs.word, 'lo') && contains(inputs.word, 'ELL')", True),
        ("'x' == 0", False),
    ],
)
def test_expressions_have_githubs_values(text, value):
    """Comparison ignores case, types are coerced as GitHub does, and/or return one of their sides."""
    assert evaluate(text, CONTEXTS) == value


@pytest.mark.parametrize(
    "text",
    ["inputs.wrod", "steps.two.outputs.n", "secrets.KEY", "hashFiles('x')", "inputs.word ==", "1 1", "a[0]", "'x"],
)
def test_unknown_expressions_are_errors(text):
    """What GitHub reads as an empty string, and what we cannot read, does not pass."""
    with pytest.raises(ExpressionError):
        evaluate(text, CONTEXTS)


@pytest.mark.parametrize(
    ("condition", "fine", "failed"),
    [
        (None, True, False),
        ("inputs.word", True, False),
        ("success()", True, False),
        ("failure()", False, True),
        ("always()", True, True),
        ("always() && inputs.empty", False, False),
        ("${{ !cancelled() }}", True, True),
    ],
)
def test_conditions_imply_success(condition, fine, failed):
    """Without a status check, a step runs only while nothing has failed."""
    assert holds(condition, CONTEXTS, failed=False) is fine
    assert holds(condition, CONTEXTS, failed=True) is failed


def test_text_is_interpolated():
    """Several expressions in one text are replaced; numbers and booleans are written as GitHub writes them."""
    assert interpolate("${{ inputs.word }}-${{ 3 }}-${{ true }}-${{ null }}.", CONTEXTS) == "Hello-3-true-."


def test_output_files_keep_what_is_between_the_marks():
    """A block may hold equal signs, other marks and empty lines; only its own mark ends it."""
    assert parse_pairs("a<<X\nb=c\n\nd<<Y\nX\ne=f<<g\n") == {"a": "b=c\n\nd<<Y", "e": "f<<g"}
