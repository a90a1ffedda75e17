"""Claims: the numbers and conclusions of a report, recomputed from the runs and from each other.

A report in Markdown is read for what it states (``tables``, ``sentences``), its labels are matched with
runs (``groups``), and each claim is put to the check of its kind (``checks``). A claim holds, fails, or could
not be checked: what is not certain is never held against a report.
"""

from __future__ import annotations

from ired_diag.claims.checked import Checked
from ired_diag.claims.report_check import check_report

__all__ = ["Checked", "check_report"]
