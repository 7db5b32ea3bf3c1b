"""The examination of a driver before any scenario: what is wrong with it, and what to do about it.

What cannot be seen from outside: whether an adapter fills in a value that nobody set and that equals
the implementation's own default; whether it waits or tries again on its own within the time that a
call may take; whether TURN works, as against being asked. The scenarios judge the implementation;
the doctor only says whether its driver is fit for them.
"""

from __future__ import annotations

from clasp_e2e.doctor.examination import examine
from clasp_e2e.doctor.findings import CannotStart, Finding, Findings, Outcome

__all__ = ["CannotStart", "Finding", "Findings", "Outcome", "examine"]
