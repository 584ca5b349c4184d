"""Ways through the workflows that no history can or need take, each with the reason. The corpus takes all others."""

import re
from collections.abc import Mapping

VALIDATOR = "validators are not run in a replay: what they refuse leaves no trace in history"
QUERY = "queries are not in history"
ENDS = "the record of an end is made outside of any replay"
STAYS_OPEN = "its task fails, so no history of it replays: it waits for a version that understands it"
UNREACHED = "a safeguard for what never comes about"

UNTAKEN: Mapping[str, str] = {
    r"\w+\._?may_\w+: .*": VALIDATOR,
    r"conversation\.(_judge|_known|_verify|_operators_signed): .*": VALIDATOR,
    r"conversation\._undecided: if self\.progress\.outcome is not None": VALIDATOR,
    r"proposals\.crowded: .*": VALIDATOR,
    r"\w+\.(report|events|records): .*": QUERY,
    r"settlement\.record: .*": ENDS,
    r"found\.initial_attributes: called": "whoever starts a run calls it",
    r"found\.attributes_of: not if progress\.subject is not None": UNREACHED,
    r"progress\._known: if not name\.is_known": STAYS_OPEN,
    r"understood\.understood: if workflow\.info\(\)\.continued_run_id is not None": STAYS_OPEN,
    r"progress\.record: if len\(self\.events\) > EVENTS_KEPT": "what is kept of a long story issues no command",
    r"settlement\._drops: not if isinstance\(authority, ByOperators\)": UNREACHED,
    r"steps\._fault: if is_cancelled_exception\(error\)": UNREACHED,
    r"steps\._said: not if isinstance\(cause, ApplicationError\)": UNREACHED,
    r"cancel_requests\.outliving_cancel_requests: if task\.cancelled\(\) or me is None": "a run that a worker evicts",
}
"""By pattern, which a way must match as a whole."""


def reason(way: str) -> str | None:
    """Why no history takes this way; None if one should."""
    return next((why for pattern, why in UNTAKEN.items() if re.fullmatch(pattern, way)), None)
