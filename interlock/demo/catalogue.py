"""All scenarios, in the order of the project's table: what happens, how it must end, what the parties start with."""

from interlock.demo.scenario import CANCELLED, EXPIRED, SETTLED, Ending, Phase, Scenario
from interlock.demo.scenarios import agreeing, attacking, breaking, ending, waiting
from interlock.demo.trade import Start
from interlock.protocol import Outcome

SHORT_SECONDS = 10.0
"""settle_by where a scenario waits for it: short, yet long enough that a slow machine locks before it."""

READY, NO_CASH = Start(), Start(cash=False)
NO_CASH_IN_TIME = Start(cash=False, settle_within=SHORT_SECONDS)

SCENARIOS = (
    Scenario("story", "both parties at once", SETTLED, agreeing.story, READY, Phase.FIRST),
    Scenario("two-sided", "seller instructs, later the buyer", SETTLED, agreeing.two_sided, READY),
    Scenario("terms-differ", "buyer is told which field differs", SETTLED, agreeing.terms_differ, READY),
    Scenario("cash-arrives-late", "buyer short of cash, then funded", SETTLED, waiting.cash_arrives_late, NO_CASH),
    Scenario(
        "units-never-arrive", "seller short until settle_by", EXPIRED, waiting.units_never_arrive,
        Start(units=False, settle_within=SHORT_SECONDS),
    ),
    Scenario(
        "cash-never-arrives", "buyer short until settle_by", EXPIRED, waiting.cash_never_arrives, NO_CASH_IN_TIME,
    ),
    Scenario(
        "never-matched", "only one side instructs", Ending(Outcome.EXPIRED), agreeing.never_matched,
        Start(settle_within=SHORT_SECONDS),
    ),
    Scenario("withdrawn", "the only side withdraws", Ending(Outcome.CANCELLED), agreeing.withdrawn, READY),
    Scenario("cancelled-by-both", "while waiting for cash", CANCELLED, ending.cancelled_by_both, NO_CASH),
    Scenario("one-side-cancels", "no effect, then settles", SETTLED, ending.one_side_cancels, NO_CASH),
    Scenario(
        "not-admitted", "fund's ledger does not admit the buyer", Ending(Outcome.REJECTED), agreeing.not_admitted,
        Start(admitted=False),
    ),
    Scenario("attestor-down", "one of four is killed", SETTLED, breaking.attestor_down, READY, Phase.IN_TURN),
    Scenario("attestor-lies", "one signs what it did not see", SETTLED, attacking.attestor_lies, READY, Phase.IN_TURN),
    Scenario(
        "no-quorum", "two are gone until settle_by, then back", EXPIRED, breaking.no_quorum,
        Start(settle_within=SHORT_SECONDS), Phase.ALONE,
    ),
    Scenario(
        "worker-killed", "SIGKILL between payment and release", SETTLED, breaking.worker_killed, NO_CASH, Phase.ALONE,
    ),
    Scenario("answer-lost", "paid, and the answer is lost", SETTLED, breaking.answer_lost, READY, Phase.ALONE),
    Scenario(
        "expelled-after-payment", "suspended, admitted again, resumed", SETTLED, waiting.expelled_after_payment,
        NO_CASH, Phase.ALONE,
    ),
    Scenario("squatter", "a stranger takes the id first", SETTLED, attacking.squatter, READY),
    Scenario("terminated", "workflow terminated; the sweeper finds it", SETTLED, ending.terminated, NO_CASH),
    Scenario("forged-release", "five false certificates are refused", SETTLED, attacking.forged_release, NO_CASH),
)  # fmt: skip

NAMES = tuple(scenario.name for scenario in SCENARIOS)


def chosen(only: tuple[str, ...]) -> tuple[Scenario, ...]:
    """The scenarios with these names, in the table's order; all if none is named."""
    return tuple(scenario for scenario in SCENARIOS if not only or scenario.name in only)
