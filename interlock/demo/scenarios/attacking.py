"""What people and attestors who mean ill can do: nothing but be refused, and be told of in the report."""

import secrets
from collections.abc import Sequence

from interlock.attestors.collector import Collector
from interlock.demo.liar import Liar
from interlock.demo.trade import Start, Trade, expect, until
from interlock.protocol import (
    Attested,
    Attestors,
    AttestorSet,
    Certificate,
    DissentKind,
    Fact,
    LocalSigner,
    Refusal,
    RegisterAttestors,
    Statement,
)

ATTESTOR = 4


async def attestor_lies(trade: Trade) -> None:
    """In attestor 4's place, with its key, something signs whatever it is asked, and has looked at nothing."""
    stack = trade.world.stack
    signer = stack.identity.signers[ATTESTOR - 1]
    liar = Liar(signer, trade.world.network, stack.coordinator, stack.attestor_urls[signer.address])
    async with trade.world.processes.attestor_stopped(ATTESTOR), liar:
        await trade.both_instruct()
        await trade.handle.outcome()
    report = await trade.handle.status()
    told = {(dissent.kind, dissent.fact) for dissent in report.dissents if dissent.attestor == signer.address}
    lies = {(DissentKind.OTHER_STATEMENT, Fact.LOCKED), (DissentKind.OTHER_STATEMENT, Fact.PAID)}
    expect(bool(told) and told <= lies, f"the report tells of the liar: {sorted(told) or 'nothing'}")


async def squatter(trade: Trade) -> None:
    """A stranger takes the settlement id first: with terms of its own, which name the real seller."""
    stranger = await trade.world.stranger()
    false = trade.terms_with(buyer=stranger.address, cash=1)
    await stranger.instruct(false)
    await trade.both_instruct()
    report = await trade.handle.outcome()
    expect(report.terms_hash == trade.terms_hash, "the outcome is that of the stranger's terms")
    false_hash = false.hash(trade.world.network)
    nothing = await trade.world.asset.lock_of(false_hash) is None
    expect(nothing and await trade.world.payment.verdict_of(false_hash) is None, "the stranger's terms left a row")
    await stranger.withdraw(false)


async def forged_release(trade: Trade) -> None:
    """Release is asked of the ledger itself with five certificates that are none; then the trade settles."""
    ledger = trade.world.asset
    reused = await _certificate_of_another_trade(trade)
    await trade.both_instruct()
    await trade.waits_for_cash()
    forgeries = await _forgeries(trade) | {"another settlement's": reused}
    for name, certificate in forgeries.items():
        answer = await ledger.release(trade.terms, certificate, trade.world.attempt)
        expect(isinstance(answer, Refusal), f"the ledger released on {name} signatures")
        code = answer.code if isinstance(answer, Refusal) else ""
        expect(code == "certificate_invalid", f"{name} signatures were refused as {code}")
        await trade.still_locked()
    await trade.fund_cash()


async def _certificate_of_another_trade(trade: Trade) -> Certificate:
    """Settle another trade like this one, and have its payment attested: a certificate that is real, of that trade."""
    stack, other = trade.world.stack, Trade(trade.world, f"{trade.name}-other", Start())
    await other.open()
    await other.both_instruct()
    await other.handle.outcome()
    async with Collector(stack.attestor_urls, stack.identity.attestors, trade.world.network) as collector:

        async def ask() -> Certificate | None:
            answer = await collector.collect(Fact.PAID, other.terms_hash, other.terms.payment.ledger)
            return answer.certificate if isinstance(answer, Attested) else None

        return await until("the other trade's certificate", ask)


async def _forgeries(trade: Trade) -> dict[str, Certificate]:
    """Certificates of a payment that was not made, by whose signatures they bear."""
    world, attestors = trade.world, trade.world.stack.identity.signers
    strangers = [LocalSigner.generate() for _ in attestors]
    others = Attestors.of("others", 1, tuple(stranger.address for stranger in strangers))
    await world.order(
        world.asset, RegisterAttestors, name="others", epoch=1, attestors=others.keys, quorum=others.quorum
    )

    def certificate(signers: Sequence[LocalSigner], coordinator: AttestorSet, network: str) -> Certificate:
        statement = Statement(
            fact=Fact.PAID,
            coordinator=coordinator,
            terms_hash=trade.terms_hash,
            ledger=trade.terms.payment.ledger,
            reference="made up",
            position=1,
        )
        return Certificate(statement=statement, signatures=tuple(signer.sign(statement, network) for signer in signers))

    named = trade.terms.coordinator
    return {
        "too few": certificate(attestors[:2], named, world.network),
        "strangers'": certificate(strangers[:3], named, world.network),
        "another set's": certificate(strangers[:3], others.identity, world.network),
        "another network's": certificate(attestors[:3], named, "0x" + secrets.token_hex(32)),
    }
