"""The doctor, which examines a driver or adapter, and gives advice about each fault.

It opens two peers of the implementation, connects them to each other and sends data both ways, so that no
convention of the reference matters. Scenarios judge the implementation; the doctor checks that its driver is
suitable for them. It cannot detect a parameter that the adapter ignores or fills in, bytes that it encodes
in the same wrong way in both directions, nor waits or retries within the deadline of a call.
"""

from clasp_e2e.doctor.check_results import CannotStart, CheckOutcome, CheckResult, CheckResults
from clasp_e2e.doctor.examination import examine

__all__ = ["CannotStart", "CheckOutcome", "CheckResult", "CheckResults", "examine"]
