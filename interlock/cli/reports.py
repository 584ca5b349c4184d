"""How settlements are shown: the JSON document of a report, and the same in lines and tables for people."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from interlock.cli.output import Output
from interlock.protocol import Outcome, SettlementReport

_STYLES = {
    Outcome.SETTLED: "bold green",
    Outcome.CANCELLED: "yellow",
    Outcome.EXPIRED: "yellow",
    Outcome.REJECTED: "bold red",
}


def document(report: SettlementReport) -> dict[str, Any]:
    """The report's keys, as `show --json` has them."""
    return report.model_dump(mode="json")


def totals(reports: Iterable[SettlementReport]) -> dict[str, int]:
    """How many settlements ended in each outcome; those that have not ended are not counted."""
    return dict(Counter(report.outcome.value for report in reports if report.outcome is not None))


def show(output: Output, report: SettlementReport) -> None:
    """One report, in lines."""
    output.line(
        f"{report.settlement_id}  {report.stage}", _STYLES.get(report.outcome, "bold") if report.outcome else "bold"
    )
    facts: list[tuple[str, str]] = [
        ("terms", report.terms_hash),
        ("verdict", report.verdict or ("none" if report.outcome else "none yet")),
        ("lock", report.lock or "none"),
        ("settle by", f"{report.settle_by:%Y-%m-%d %H:%M:%S}Z"),
    ]
    if report.blocker is not None:
        who = f" ({report.blocker.who})" if report.blocker.who else ""
        facts.append(
            ("because" if report.outcome else "waits for", f"{report.blocker.text} [{report.blocker.code}]{who}")
        )
    if report.next_attempt is not None:
        facts.append(("asks again", f"{report.next_attempt:%Y-%m-%d %H:%M:%S}Z"))
    if report.allowed:
        facts.append(("possible now", ", ".join(report.allowed)))
    facts += [("dissent", f"{each.attestor} on {each.fact}: {each.kind}, {each.text}") for each in report.dissents]
    facts.append(("trace", report.trace_id))
    for name, value in facts:
        output.line(f"  {name:<12}  {value}")


def table(output: Output, reports: Sequence[SettlementReport], title: str = "") -> None:
    """Many reports, a line each."""
    output.table(
        ["settlement", "stage", "verdict", "lock", "waits for", "settle by", "terms"],
        [
            (
                report.settlement_id,
                report.stage,
                report.verdict or "",
                report.lock or "",
                report.blocker.text if report.blocker else "",
                f"{report.settle_by:%Y-%m-%d %H:%M:%S}Z",
                report.terms_hash[:18],
            )
            for report in reports
        ],
        title=title,
    )
