"""The examination of a driver: faults of the driver or adapter, each with advice, without any scenario.

Some faults cannot be seen from outside: a value that an adapter fills in and that equals the
implementation's own default; an adapter that waits or retries within the deadline of a call; TURN that is
asked but does not work. Scenarios judge the implementation; the doctor only checks that its driver is fit
for them.
"""

from clasp_e2e.doctor.check_results import CannotStart, CheckOutcome, CheckResult, CheckResults
from clasp_e2e.doctor.examination import examine

__all__ = ["CannotStart", "CheckOutcome", "CheckResult", "CheckResults", "examine"]
