"""What people and attestors who mean ill can do: nothing but be refused, and be told of in the report."""

from collections.abc import Sequence

from interlock.attestors.collector import Collector
from interlock.demo.liar import Liar
from interlock.demo.trade import CASH, UNITS, Trade, expect
from interlock.protocol import (
    Attested,
    Attestors,
    Certificate,
    DissentKind,
    Fact,
    LocalSigner,
    Outcome,
    Refusal,
    RegisterAttestors,
    Statement,
)

ATTESTOR = 4


async def attestor_lies(trade: Trade) -> None:
    """In attestor 4's place, with its key, something signs whatever it is asked, and has looked at nothing."""
    stack = trade.world.stack
    signer = stack.identity.signers[ATTESTOR - 1]
    async with trade.world.processes.attestor_stopped(ATTESTOR):
        async with Liar(signer, trade.world.network, stack.coordinator, stack.attestor_urls[signer.address]):
            await trade.both_instruct()
            await trade.handle.outcome()
    report = await trade.handle.status()
    told = {(dissent.kind, dissent.fact) for dissent in report.dissents if dissent.attestor == signer.address}
    lies = {(DissentKind.OTHER_STATEMENT, Fact.LOCKED), (DissentKind.OTHER_STATEMENT, Fact.PAID)}
    expect(told == lies, f"the report tells of the liar: {sorted(told) or 'nothing'}")


async def squatter(trade: Trade) -> None:
    """A stranger takes the settlement id first: with terms of its own, and by signing the real ones."""
    stranger = await trade.world.stranger()
    false = trade.terms_with(buyer=stranger.address, cash=1)
    await stranger.instruct(false)
    await trade.both_instruct()
    report = await trade.handle.outcome()
    expect(report.terms_hash == trade.terms_hash, "the outcome is that of the stranger's terms")
    false_hash = false.hash(trade.world.network)
    nothing = await trade.world.asset.lock_of(false_hash) is None
    expect(nothing and await trade.world.payment.verdict_of(false_hash) is None, "the stranger's terms left a row")


async def forged_release(trade: Trade) -> None:
    """Release is asked of the ledger itself with five certificates that are none; then the trade settles."""
    ledger = trade.world.asset
    reused = await _certificate_of_another_trade(trade)
    await trade.both_instruct()
    await trade.waits_for_cash()
    for name, certificate in (await _forgeries(trade)) | {"another settlement's": reused}.items():
        answer = await ledger.release(trade.terms, certificate, trade.world.attempt)
        expect(isinstance(answer, Refusal), f"the ledger released on {name} signatures")
        code = answer.code if isinstance(answer, Refusal) else ""
        expect(code == "certificate_invalid", f"{name} signatures were refused as {code}")
        await trade.still_locked()
    await trade.fund_cash()


async def _certificate_of_another_trade(trade: Trade) -> Certificate:
    """Settle a like trade between the same accounts, and have its payment attested: a certificate that is real."""
    stack, terms = trade.world.stack, trade.terms_with(settlement_id=f"{trade.settlement_id}-OTHER")
    ...


async def _forgeries(trade: Trade) -> dict[str, Certificate]:
    ...
