"""The doctor, which examines a driver or adapter without scenarios, and gives advice about each fault.

Scenarios judge the implementation; the doctor checks that its driver is suitable for them. It cannot detect
some faults: a value that an adapter fills in and that equals the implementation's own default; an adapter
that waits or retries within the deadline of a call; a TURN server that is used but does not work.
"""

from clasp_e2e.doctor.check_results import CannotStart, CheckOutcome, CheckResult, CheckResults
from clasp_e2e.doctor.examination import examine

__all__ = ["CannotStart", "CheckOutcome", "CheckResult", "CheckResults", "examine"]
