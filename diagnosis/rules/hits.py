"""What a static rule reports."""

from dataclasses import dataclass

from diagnosis.findings import Severity


@dataclass(frozen=True, kw_only=True)
class RuleHit:
    """Lines 1-based and inclusive; columns from 0 in UTF-8 bytes as `ast` counts them, end exclusive."""

    code: str
    path: str
    start_line: int
    end_line: int
    start_column: int
    end_column: int
    message: str
    severity: Severity = Severity.WARNING
