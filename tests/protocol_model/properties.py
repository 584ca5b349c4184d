"""What must hold of two ledgers whatever anybody does: judged by what truly happened to each terms, under no key."""

from collections.abc import Iterator

from tests.protocol_model.ledgers import Bank, Ledgers

OF_LEDGERS = (
    "both_legs_or_neither",
    "atomicity",
    "conservation",
    "one_decision",
    "finality",
    "exactly_one_effect",
    "authority",
)


class Invariants:
    """The design's invariants over one bank. Many states share what the ledgers hold, so that is judged once."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._numbers = range(len(bank.terms))
        self._totals = [_total(balances) for balances in (bank.empty.units, bank.empty.money)]
        self._judged: dict[Ledgers, frozenset[str]] = {}

    def broken_in(self, held: Ledgers) -> frozenset[str]:
        """Which do not hold of what the ledgers hold."""
        broken = self._judged.get(held)
        if broken is None:
            broken = self._judged[held] = frozenset(self._judge(held))
        return broken

    def broken_by(self, before: Ledgers, after: Ledgers, *, willed: int | None = None) -> list[str]:
        """Which do not hold of what was done. `willed`: the terms whose parties, or operators, want them void."""
        if before is after:
            return []
        broken: list[str] = []
        if not self._is_one_effect(before, after):
            broken.append("exactly_one_effect")
        if not all(self._is_entitled(before, *effect, willed) for effect in after.journal - before.journal):
            broken.append("authority")
        return broken

    def _judge(self, held: Ledgers) -> Iterator[str]:
        if not held.closed:  # a closed ledger serves nobody: it is judged when it opens
            if not all(self._has_both_legs_or_neither(held, number) for number in self._numbers):
                yield "both_legs_or_neither"
            if not all(self._is_atomic(held, number) for number in self._numbers):
                yield "atomicity"
        if not self._is_conserved(held):
            yield "conservation"
        if not self._is_decided_once(held):
            yield "one_decision"
        if self._is_served_and_open(held):
            yield "finality"

    def _has_both_legs_or_neither(self, held: Ledgers, number: int) -> bool:
        """Nobody has given without getting: no units delivered unpaid, nothing paid for units that are not there."""
        done = held.journal
        if ("pay", number) in done:
            return ("lock", number) in done and ("refund", number) not in done
        return ("release", number) not in done

    def _is_atomic(self, held: Ledgers, number: int) -> bool:
        """Released only if paid, refunded only if voided, never both."""
        done = held.journal
        if ("release", number) in done:
            return ("pay", number) in done and ("refund", number) not in done
        return ("refund", number) not in done or (("void", number) in done and ("pay", number) not in done)

    def _is_conserved(self, held: Ledgers) -> bool:
        """Nothing is made or lost, no balance is negative, and escrow equals the open locks."""
        if min(balance for _, balance in (*held.units, *held.money)) < 0:
            return False
        if [_total(balances) for balances in (held.units, held.money)] != self._totals:
            return False
        in_escrow = sum(balance for account, balance in held.units if account.startswith("escrow"))
        return in_escrow == sum(self._bank.terms[row.lock_of].units for row in held.rows if row.lock == "locked")

    def _is_decided_once(self, held: Ledgers) -> bool:
        """One verdict row under each key, and one verdict on each terms."""
        done = held.journal
        twice = any(("pay", number) in done and ("void", number) in done for number in self._numbers)
        return not twice and all(len(row.verdicts) <= 1 for row in held.rows)

    def _is_served_and_open(self, held: Ledgers) -> bool:
        """Once a settlement has been served, nothing is left locked, nor locked again."""
        served = {number for verb, number in held.journal if verb in ("release", "refund")}
        return any(row.lock == "locked" and row.lock_of in served for row in held.rows)

    def _is_one_effect(self, before: Ledgers, after: Ledgers) -> bool:
        """What moves or decides anything is one operation, done for the first time; and one id moves units once."""
        if (before.rows, before.units, before.money) == (after.rows, after.units, after.money):
            return before.journal == after.journal
        done = sorted(after.journal - before.journal)
        if len(done) != 1 or not before.journal <= after.journal:
            return False
        [(verb, number)] = done
        return verb != "lock" or not self._bank.id_used(before, number)

    def _is_entitled(self, held: Ledgers, verb: str, number: int, willed: int | None) -> bool:
        """Whether it had what the operations table asks for; of a closed ledger that is known once it opens."""
        done, is_signed = held.journal, self._bank.terms[number].signed
        match verb:
            case "lock":
                return is_signed and number not in held.asset_past
            case "pay":
                ended = {("release", number), ("refund", number)} & done
                is_locked = bool(held.closed) or (("lock", number) in done and not ended)
                return is_signed and is_locked and number not in held.payment_past
            case "void":
                return is_signed and (willed == number or number in held.payment_past)
            case "release":
                return bool(held.closed) or ("pay", number) in done
            case "refund":
                return bool(held.closed) or ("void", number) in done
            case _:
                return False


def _total(balances: tuple[tuple[str, int], ...]) -> int:
    return sum(balance for _, balance in balances)
