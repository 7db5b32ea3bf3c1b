"""The outcomes of scenarios, and the verdicts of requirements and runs."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one scenario in one pairing, or of one requirement within it."""

    PASSED = "passed"
    FAILED = "failed"
    """A MUST was not met."""
    DEVIATION = "deviation"
    """A SHOULD was not met."""
    BLOCKED = "blocked"
    """A precondition failed."""
    UNOBSERVED = "unobserved"
    """The harness could not make the deciding observation: neither pass nor fail."""
    NOT_JUDGED = "not_judged"
    """Two implementations differ in a convention that the case needs, and that the page does not give."""
    NOT_OFFERED = "not_offered"
    """The implementation or its adapter does not offer the call or the capability."""
    SKIPPED = "skipped"
    """Left out on request."""
    ERROR = "error"
    """The harness, the driver or the environment failed: never a verdict."""
    EXPECTED_FAILURE = "expected_failure"
    """Not met, and listed among the implementation's known failures."""
    UNSTABLE = "unstable"
    """Repeated, it had different outcomes (`clasp-e2e stress`)."""
    UNEXPECTED_PASS = "unexpected_pass"  # noqa: S105 (not a password)
    """Met, although listed among the implementation's known failures."""


NO_VERDICT = frozenset(
    {Outcome.BLOCKED, Outcome.UNOBSERVED, Outcome.NOT_JUDGED, Outcome.NOT_OFFERED, Outcome.SKIPPED}
)
"""The outcomes that say nothing about the implementation and are no errors."""


class RequirementVerdict(StrEnum):
    """The verdict of a run on one requirement, over all scenarios and pairings that judged it."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    DEVIATION = "deviation"
    BLOCKED = "blocked"
    UNOBSERVED = "unobserved"
    NOT_JUDGED = "not_judged"
    NOT_OFFERED = "not_offered"
    SKIPPED = "skipped"
    ERROR = "error"
    UNTESTED = "untested"
    """Nothing in this run judged it."""


class Verdict(StrEnum):
    """The verdict of a run on the implementation."""

    CONFORMANT = "conformant"
    """Every MUST of the judged roles was judged and passed."""
    CONFORMANT_WITH_DEVIATIONS = "conformant_with_deviations"
    """Every MUST passed, and a SHOULD was not met."""
    NON_CONFORMANT = "non_conformant"
    """A MUST failed."""
    PARTIAL = "partial"
    """No MUST failed, but not every one was judged."""
    INCONCLUSIVE = "inconclusive"
    """Errors, a MUST that could not be observed, or nothing judged."""
