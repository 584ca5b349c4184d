"""Steps and rows of both models in the design's words, for counterexamples that people read."""

from tests.protocol_model.ledgers import Bank, Ledgers


def of_operation(bank: Bank, verb: str, about: int, relied_on: str) -> str:
    """Something that happens to a ledger; `relied_on` is the evidence shown, or empty."""
    terms = bank.terms[about]
    on = f" on a {relied_on}" if relied_on else " on no certificate at all"
    match verb:
        case "lock":
            return f"lock {terms.name}: {terms.units} from {terms.seller} into escrow"
        case "pay":
            return f"pay {terms.name}{on}: {terms.money} from {terms.buyer} to {terms.seller}, verdict PAID"
        case "void":
            return f"void {terms.name} by {relied_on}: verdict VOIDED"
        case "release":
            return f"release {terms.name}{on}: escrow to receiver"
        case "refund":
            return f"refund {terms.name}{on}: whatever is in escrow goes back to the deliverer"
        case "asset clock" | "payment clock":
            return f"the {verb.split(maxsplit=1)[0]} ledger's clock passes settle_by of {terms.name}"
        case "restore":
            lacks = "the lock" if relied_on == "asset" else "the verdict"
            return f"the {relied_on} ledger is restored from a backup that lacks {lacks}, and stays closed"
        case "open":
            return f"the {relied_on} ledger opens again"
        case "enter again":
            return f"{relied_on} of {terms.name} is entered again from the evidence"
        case _:
            return f"{verb} {terms.name} {relied_on}".rstrip()


def of_rows(bank: Bank, held: Ledgers) -> str:
    """What both ledgers hold, on one line."""
    by_hash = bank.rules.key == "terms_hash"
    parts: list[str] = []
    for key, row in enumerate(held.rows):
        name = bank.terms[key].name if by_hash else "settlement_id"
        lock = row.lock or "none"
        verdict = " and ".join(sorted(row.verdicts)) or "none"
        parts.append(f"{name}: lock row {lock}, verdict {verdict}")
    for number, terms in enumerate(bank.terms):
        done = [verb for verb in ("lock", "pay", "void", "release", "refund") if (verb, number) in held.journal]
        parts.append(f"done for {terms.name}: {', '.join(done) or 'nothing'}")
    return "; ".join(parts)
