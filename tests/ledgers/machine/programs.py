"""What random programs are made of: trades that may be agreed on, and requests about them. Decides nothing.

The usual comes first everywhere, for that is what Hypothesis shrinks to.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.trades import LEDGERS, SECOND_EPOCH, SetId, Trade

_Value = TypeVar("_Value")
ACTS: Sequence[Literal["admit", "expel", "freeze", "unfreeze"]] = ("unfreeze", "admit", "freeze", "expel")
ODDITIES: Sequence[tuple[str, Any]] = (
    ("deliverer", "late"),
    ("deliverer", "eve"),
    ("receiver", "bob-2"),
    ("receiver", "late"),
    ("payer", "bob-2"),
    ("payer", "eve"),
    ("payee", "late"),
    ("payee", "eve"),
    ("delivers_on", "elsewhere"),
    ("pays_on", "elsewhere"),
    ("delivered", ("GOLD", 3)),
    ("delivered", ("OUSG", 6)),
    ("paid", ("USD", 3)),
    ("paid", ("GOLD", 3)),
)
OTHER_SETS = (SetId(epoch=2), SetId(epoch=2, keys="second"), SetId(keys="second"), SetId("others"), SetId(epoch=3))
PARTIES = (("ada", "bob"),) * 4 + (("bob", "ada"), ("ada", "eve"), ("eve", "bob"))
WINDOWS = ((None, 20),) * 4 + ((None, 10), (5, 20))
REGISTERED = (
    asked.Register(),
    asked.Register(SetId(epoch=2), succeeds=1),
    asked.Register(SetId(epoch=2, keys="second"), succeeds=1),
    asked.Register(SetId(epoch=3), succeeds=2),
    asked.Register(SetId(epoch=3), succeeds=1),
    asked.Register(SetId("others")),
    asked.Register(SetId(epoch=2), succeeds=3),
)


def seldom(values: Sequence[_Value], usual: _Value, times: int = 3) -> st.SearchStrategy[_Value]:
    """The usual, and now and then one of the values: one in so many draws."""
    return st.integers(0, times).flatmap(lambda n: st.sampled_from(values) if n == times else st.just(usual))


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its weight says."""
    options = [each for weight, each in choices for _ in range(weight)]

    @st.composite
    def chosen(draw: st.DrawFn) -> Any:
        return draw(options[draw(st.integers(0, len(options) - 1))])

    return chosen()


def _trade(parties: tuple[str, str], window: tuple[int | None, int], odd: Any, turned: bool, **fields: Any) -> Trade:
    (seller, buyer), (not_before, settle_by) = parties, window
    trade = Trade(seller=seller, buyer=buyer, not_before=not_before, settle_by=settle_by, **fields)
    trade = trade.turned_round if turned else trade
    changed = replace(trade, **dict([odd])) if odd else trade
    return changed if changed.makes_sense else trade


TRADES = st.builds(
    _trade,
    st.sampled_from(PARTIES),
    st.sampled_from(WINDOWS),
    seldom([None, *ODDITIES], None, 2),
    seldom([True], False, 6),
    id=st.sampled_from("AAB"),
    units=st.sampled_from((3, 6, 3, 6, 10, 11)),
    cash=st.sampled_from((3, 6, 3, 6, 10, 11)),
    coordinator=seldom(OTHER_SETS, SetId(), 4),
)
_until = seldom((5, 10, 20), asked.FOREVER)
_elsewhere = seldom([True], False, 12)
_terms_flaw = seldom(asked.TERMS_FLAWS, "", 7)
_proof = st.builds(
    asked.Proof,
    by=seldom(["named", *OTHER_SETS], "counts", 4),
    flaw=seldom(asked.CERTIFICATE_FLAWS, "", 4),
    everybody=st.booleans(),
)
_redirect = st.builds(
    asked.Redirect,
    to=st.sampled_from(("bob-2", "bob", "ada", "late", "eve")),
    flaw=seldom(("no buyer", *asked.OPERATOR_FLAWS), ""),
    valid_until=_until,
)
_authority = weighted(
    (3, st.builds(asked.ByClock)),
    (2, st.builds(asked.Consent, flaw=seldom(asked.CONSENT_FLAWS, "", 1), sellers_until=_until, buyers_until=_until)),
    (2, st.builds(asked.ByOrder, flaw=seldom(asked.OPERATOR_FLAWS, "", 1), valid_until=_until)),
)


def about(trades: st.SearchStrategy[Trade]) -> st.SearchStrategy[asked.Request]:
    """A request about one of the trades."""
    sent = {"trade": trades, "elsewhere": _elsewhere}
    return weighted(
        (4, st.builds(asked.Lock, **sent, flaw=_terms_flaw)),
        (5, st.builds(asked.Pay, **sent, proof=_proof, flaw=_terms_flaw)),
        (2, st.builds(asked.Void, **sent, authority=_authority, flaw=_terms_flaw)),
        (3, st.builds(asked.Release, **sent, proof=_proof)),
        (3, st.builds(asked.Refund, **sent, proof=_proof)),
        (2, st.builds(asked.Release, **sent, proof=_proof, redirect=_redirect)),
        (3, st.builds(asked.Check, trade=trades, elsewhere=st.booleans(), flaw=_terms_flaw)),
        (1, st.builds(asked.LockOf, **sent)),
        (1, st.builds(asked.VerdictOf, **sent)),
        (1, st.builds(asked.Resume, **sent, flaw=seldom(asked.OPERATOR_FLAWS, ""), valid_until=_until)),
        (1, st.builds(asked.AttestorsOf, trade=trades, elsewhere=st.booleans())),
    )


_ledger = st.sampled_from(LEDGERS)
_account = st.sampled_from(("ada", "bob", "eve", "bob-2", "late"))
_act = st.builds(asked.Act, st.sampled_from(ACTS), _account)
_mint = st.builds(asked.Mint, _account, st.sampled_from(("OUSG", "USD", "USD", "GOLD")), st.sampled_from((3, 7)))
_what = weighted(
    (5, _act),
    (3, _mint),
    (1, st.builds(asked.Open, st.sampled_from(("late", "ada")), st.sampled_from(("ada", "bob", "eve")), st.booleans())),
    (1, st.sampled_from(REGISTERED)),
    (1, st.builds(asked.Close, epoch=st.sampled_from((2, 9, 1)))),
    (2, st.builds(asked.Readmit, who=st.integers(2, 3))),
    (1, st.builds(asked.Keep, st.sampled_from((("GOLD", 3), ("OUSG", 6))))),
)
ORDERS = st.builds(
    asked.Order,
    _ledger,
    _what,
    nonce=st.integers(1, 3),
    valid_until=_until,
    flaw=seldom(asked.OPERATOR_FLAWS, "", 7),
    misdirected=seldom([True], False, 20),
)
TICKS = st.builds(asked.Tick, _ledger, st.sampled_from((0, 5, 10, 20, 0, 5)), st.sampled_from((0, -1, 1)))


ACCUSATIONS = st.builds(
    asked.Accuse,
    _ledger,
    of=seldom(OTHER_SETS, SetId(), 5),
    who=st.integers(2, 3),
    number=st.integers(1, 3),
    flaw=seldom(asked.ACCUSATION_FLAWS, "", 5),
)


def anything(trades: st.SearchStrategy[Trade]) -> st.SearchStrategy[asked.Request]:
    """Any request of any caller."""
    return weighted(
        (16, about(trades)), (5, ORDERS), (3, TICKS), (1, ACCUSATIONS), (1, st.builds(asked.Accounts, _ledger))
    )


FAIR_TRADES = st.builds(
    Trade,
    id=st.sampled_from(tuple(f"FAIR-{number}" for number in range(1, 10))),
    units=st.integers(1, 2),
    cash=st.integers(1, 2),
    coordinator=seldom([SECOND_EPOCH], SetId(), 5),
)
"""Trades that nothing but bad luck hinders."""
AUTHORITIES = st.none() | _authority
PROOFS = st.builds(asked.Proof, by=st.sampled_from(("counts", "named", "counts")))
MEDDLING = weighted(
    (
        4,
        st.builds(
            asked.Order, _ledger, st.builds(asked.Act, st.sampled_from(ACTS[2:]), st.sampled_from(("bob", "ada")))
        ),
    ),
    (2, st.builds(asked.Tick, _ledger, st.sampled_from((20, 10, 5)), st.sampled_from((0, -1, 1)))),
    (1, st.builds(asked.Order, _ledger, st.sampled_from(REGISTERED[:2]))),
    (1, ACCUSATIONS),
    (1, st.builds(asked.Accounts, _ledger)),
)
"""What may happen between two steps of a trade."""


def undone(request: asked.Request, nonce: int) -> list[asked.Request]:
    """What puts right what was meddled with, if anything does."""
    match request:
        case asked.Order(what=asked.Act(act=act, account=account)) if act in ("expel", "freeze"):
            back = asked.Act("admit" if act == "expel" else "unfreeze", account)
            return [asked.Order(request.ledger, back, nonce=nonce)]
        case asked.Tick():
            return [asked.Tick(request.ledger)]
        case asked.Accuse():
            return [asked.Order(request.ledger, asked.Readmit(request.of, request.who), nonce=nonce)]
    return []
