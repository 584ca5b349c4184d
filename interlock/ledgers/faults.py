"""What may break between a ledger and whoever asks it. Refusals are no faults: they are values of the protocol.

LedgerFault            it is not known whether the operation had its effect: ask again
└── LedgerUnreachable  no connection, or none in time, or it was lost on the way
LedgerMismatch         this database is another ledger, or another version of it: nothing was done
"""


class LedgerFault(Exception):  # noqa: N818 - the project's word for what is broken, in contrast to a refusal
    """It is not known whether the operation had its effect. Asking again is harmless and answers it."""


class LedgerUnreachable(LedgerFault):
    """No connection could be had in time, or it was lost before the answer came."""


class LedgerMismatch(Exception):  # noqa: N818 - says what is the case
    """The database holds another ledger, or another version of its schema, than the one asked for."""
