"""The value that a static rule reports."""

from dataclasses import dataclass

from diagnosis.findings import Severity


@dataclass(frozen=True, kw_only=True)
class RuleHit:
    """One place that a static rule objects to.

    Lines are 1-based and inclusive; columns count from 0 in UTF-8 bytes, as `ast` does, with the end exclusive.
    """

    code: str
    path: str
    start_line: int
    end_line: int
    start_column: int
    end_column: int
    message: str
    severity: Severity = Severity.WARNING
