"""What can become of a scenario, of a requirement, and of a run."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one scenario in one pairing, or of one requirement within it."""

    PASSED = "passed"
    FAILED = "failed"
    """A MUST was not met."""
    DEVIATION = "deviation"
    """A SHOULD was not met."""
    BLOCKED = "blocked"
    """A requirement that this one rests on failed."""
    UNOBSERVED = "unobserved"
    """The harness could not see what decides it: neither pass nor fail."""
    NOT_OFFERED = "not_offered"
    """The implementation or its adapter does not offer the call or the capability."""
    SKIPPED = "skipped"
    """Left out on request."""
    ERROR = "error"
    """The harness, the driver or the environment failed: never a verdict."""
    EXPECTED_FAILURE = "expected_failure"
    """Not met, and listed among the implementation's known failures."""
    UNEXPECTED_PASS = "unexpected_pass"  # noqa: S105 (not a password)
    """Met, although listed among the implementation's known failures."""


class RequirementVerdict(StrEnum):
    """What a run says of one requirement, over all scenarios and pairings that judged it."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    DEVIATION = "deviation"
    BLOCKED = "blocked"
    UNOBSERVED = "unobserved"
    NOT_OFFERED = "not_offered"
    SKIPPED = "skipped"
    ERROR = "error"
    UNTESTED = "untested"
    """Nothing in this run judged it."""


class Verdict(StrEnum):
    """What a run says of the implementation."""

    CONFORMANT = "conformant"
    """Every MUST of the judged roles was judged and passed."""
    CONFORMANT_WITH_DEVIATIONS = "conformant_with_deviations"
    """The same, and a SHOULD was not met."""
    NON_CONFORMANT = "non_conformant"
    """A MUST failed."""
    PARTIAL = "partial"
    """No MUST failed, and not every one was judged."""
    INCONCLUSIVE = "inconclusive"
    """Errors, a MUST that could not be observed, or nothing judged."""
