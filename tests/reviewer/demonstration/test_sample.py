"""The shipped sample, claim by claim: each ends as it must, with at most two calls for its test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reviewer.llm.messages import Task
from tests.samples.demonstrations.claims import SampleClaim, try_claim
from tests.samples.demonstrations.python_claims import CLAIMS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sample", CLAIMS, ids=lambda sample: sample.name)
def test_each_python_claim_ends_as_it_must(sample: SampleClaim, tmp_path: Path) -> None:
    """True ones that can run are demonstrated, false ones never; each stop is at its gate."""
    if sample.name == "overwrites an existing test":
        sample = replace(sample, test_path="tests/test_shop.py")
    tried = try_claim(sample, tmp_path)
    assert tried.ending == sample.ends, tried.finding.evidence if tried.finding else tried.review.rejected
    assert tried.fix == sample.fix, tried.finding and tried.finding.evidence
    assert not tried.model.left()
    assert sum(prompt.task is not Task.FIX for prompt in tried.model.prompts) <= 2
