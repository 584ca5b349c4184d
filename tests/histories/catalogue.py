"""Every path through the workflows, by name, and what brings it about: a test of tests/workflows, or a recipe.

A test that says what must come of a path is the best recipe for it, so most names point to one. `anywhere` paths are
recorded twice: with the roles apart, and with all steps taken in the settlement worker's process.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from tests.e2e import test_interrupted as interrupted
from tests.histories import recipes, recipes_growing, recipes_on_stack, recipes_sweeping, recipes_voiding
from tests.workflows import test_after_paid as after_paid
from tests.workflows import test_checking as checking
from tests.workflows import test_faults as faults
from tests.workflows import test_here as here
from tests.workflows import test_long_histories as long_histories
from tests.workflows import test_matching as matching
from tests.workflows import test_misconduct as misconduct
from tests.workflows import test_recovering as recovering
from tests.workflows import test_voiding as voiding
from tests.workflows import test_waiting as waiting

Recipe = Callable[..., Awaitable[None]]


class Where(Enum):
    """On what a path is recorded."""

    SERVICE = auto()
    """A Temporal server of tests, ledgers in memory, real attestors, workers in the recorder's process."""
    IMPATIENT = auto()
    """The same, on a server that soon suggests to continue as new."""
    VERSIONED = auto()
    """The same impatient kind of server, whose settlement workers have builds."""
    STACK = auto()
    """The embedded stack: Postgres, attestors and workers in processes of their own, which can be killed."""


@dataclass(frozen=True)
class Path:
    """A path, and how to take it."""

    name: str
    recipe: Recipe
    where: Where
    placement: str

    @property
    def marks(self) -> list[Any]:
        """The pytest marks of the recipe, which say in what surroundings it is to be run."""
        return _marks(self.recipe)


def _marks(recipe: Recipe) -> list[Any]:
    return list(getattr(getattr(recipe, "func", recipe), "pytestmark", []))


MATCHING: Mapping[str, Recipe] = {
    "both sign at once": matching.test_both_at_once_settles,
    "the seller signs, then the buyer": matching.test_seller_first_and_buyer_later_settles,
    "the buyer signs other terms first": matching.test_buyer_with_other_terms_is_told_which_fields_differ_and_then_matches,
    "one party holds many proposals": matching.test_a_party_holds_at_most_four_proposals_and_cannot_crowd_out_the_other,
    "rubbish beside what is signed": matching.test_what_is_not_the_parties_own_signature_is_refused_and_leaves_no_event,
    "another settlement's terms": matching.test_terms_of_another_settlement_or_other_parties_are_refused,
    "withdrawn": matching.test_the_only_party_withdraws_and_nothing_stands,
    "withdrawn late": recipes.withdrawn_when_the_ledgers_have_been_asked,
    "proposed while withdrawn": matching.test_a_proposal_made_while_the_last_one_is_withdrawn_is_not_lost,
    "never matched": matching.test_what_never_matches_expires_and_nothing_stands,
    "instructed again and again": matching.test_the_same_instruction_again_is_harmless,
    "a refused first instruction": matching.test_a_refused_first_instruction_leaves_a_run_that_hears_the_right_one,
    "nobody proposes": matching.test_a_run_to_which_nobody_proposes_fails_and_can_be_started_again,
    "a ledger away before the match": waiting.test_a_ledger_out_of_reach_is_shown_before_the_match_too,
    "the payment ledger away before the match": recipes.the_payment_ledger_away_before_the_match,
    "an older client's start": recipes.started_by_an_older_client,
    "a start with one party's terms": recipes.started_beside_another,
    "a start that is not understood": recipes_growing.a_start_that_is_not_understood,
    "a forged start": recovering.test_a_recovering_run_takes_nothing_up_that_a_party_could_not_have_said,
}

CHECKING: Mapping[str, Recipe] = {
    "rejected by the asset ledger": partial(
        checking.test_a_no_of_either_ledger_rejects_and_nothing_is_written,
        ledger="asset",
        account="northbank",
        code="not_admitted",
    ),
    "rejected by the payment ledger": partial(
        checking.test_a_no_of_either_ledger_rejects_and_nothing_is_written,
        ledger="payment",
        account="alpine",
        code="not_admitted",
    ),
    "rejected as too late": checking.test_terms_past_their_settle_by_are_rejected_and_nothing_is_written,
    "rejected for its id": checking.test_one_settlement_id_moves_units_once_whatever_the_terms,
    "the asset ledger away at the check": partial(
        checking.test_hazard_10_while_a_ledger_cannot_be_asked_nothing_is_locked, ledger="asset"
    ),
    "the payment ledger away at the check": partial(
        checking.test_hazard_10_while_a_ledger_cannot_be_asked_nothing_is_locked, ledger="payment"
    ),
    "check and lock apart": checking.test_hazard_21_check_and_lock_never_share_a_workflow_task,
}

WAITING: Mapping[str, Recipe] = {
    "waits for cash": waiting.test_waiting_for_cash_shows_who_must_act_and_goes_on_when_funded,
    "waits for units": waiting.test_waiting_for_units_shows_who_must_act_and_goes_on_when_funded,
    "waits for a frozen buyer": waiting.test_a_frozen_payer_is_waited_for,
    "waits for a frozen seller": recipes.a_frozen_seller,
    "waits for not_before": waiting.test_nothing_is_locked_before_not_before,
    "waits for a quorum": waiting.test_a_missing_quorum_is_waited_for_and_the_dissents_stay_visible,
    "waits for a quorum after the payment": recipes.no_quorum_for_the_payment,
    "woken": waiting.test_look_again_wakes_it_at_once,
    "a ledger goes away and comes back": waiting.test_a_ledger_out_of_reach_is_shown_while_queries_answer_and_then_it_settles,
    "lock and release without an answer": recipes.the_lock_the_release_and_their_ledger_out_of_reach,
    "no answer after a fault": recipes.the_payment_unanswered_after_a_fault,
    "void and refund without an answer": recipes.the_void_and_the_refund_out_of_reach,
    "no coordinator": recipes.no_coordinator,
    "stale evidence at the payment": recipes.stale_evidence_at_the_payment,
    "stale evidence at the release": recipes.stale_evidence_at_the_release,
    "stale evidence at a redirected release": recipes.stale_evidence_at_a_redirected_release,
    "stale evidence at the refund": recipes.stale_evidence_at_the_refund,
}

VOIDING: Mapping[str, Recipe] = {
    "short of units until settle_by": voiding.test_hazard_19_short_of_units_until_settle_by_expires_with_a_tombstone_and_nothing_moved,
    "short of cash until settle_by": voiding.test_short_of_cash_until_settle_by_expires_and_the_units_are_back,
    "no quorum until settle_by": voiding.test_no_quorum_until_settle_by_expires_and_the_units_are_back,
    "late on the asset ledger's clock": voiding.test_hazard_17_each_ledgers_own_clock_says_when_settle_by_has_passed,
    "late on the payment ledger's clock": recipes_voiding.settle_by_passes_at_the_payment,
    "one side consents": voiding.test_hazard_23_one_sides_consent_has_no_effect,
    "both consent": voiding.test_both_sides_consent_cancels_and_the_units_are_back,
    "both consent before the match": recipes_voiding.both_consent_before_the_match,
    "both consent before the lock": recipes_voiding.both_consent_before_the_lock,
    "both consent before the attestation": recipes_voiding.both_consent_before_the_attestation,
    "an expired consent": voiding.test_hazard_23_an_expired_consent_is_nothing,
    "a consent that expires at the ledger": voiding.test_only_the_consent_that_the_ledgers_clock_finds_expired_is_dropped,
    "consents that the ledger does not accept": recipes_voiding.consents_of_strangers_hands_at_the_ledger,
    "consent to cancel other terms": voiding.test_consent_to_cancel_other_terms_is_none_to_cancel_these,
    "operators void": voiding.test_operators_void_before_the_payment_cancels_and_the_units_are_back,
    "operators void before the lock": recipes_voiding.operators_void_before_the_lock,
    "strangers' order to void": voiding.test_hazard_18_a_void_order_of_strangers_is_refused_and_the_settlement_goes_on,
    "strangers' order beside the operators'": voiding.test_a_strangers_order_does_not_displace_the_operators_own,
    "an order to void, not answered in time": recipes_voiding.an_order_to_void_that_is_not_answered_in_time,
    "an order to void, expired at the ledger": recipes_voiding.an_order_to_void_that_has_expired_at_the_ledger,
    "a payment overtakes the order to void": after_paid.test_a_payment_that_overtakes_the_order_to_void_wins,
    "others' verdict while there is no quorum": voiding.test_a_verdict_that_others_bring_about_is_found_while_there_is_no_quorum,
    "others void while it waits": recipes_voiding.voided_by_others_while_it_waits_for_cash,
    "others close it before the lock": recipes_voiding.closed_by_others_before_its_lock,
    "others pay before the void": recipes_voiding.paid_by_others_before_its_void,
    "others' verdict, not readable yet": recipes_voiding.a_verdict_of_others_that_cannot_be_read_yet,
    "voided, the verdict not readable yet": recipes_voiding.voided_and_the_verdict_cannot_be_read_yet,
}

AFTER_PAID: Mapping[str, Recipe] = {
    "suspended, admitted again": after_paid.test_hazard_09_15_an_expelled_receiver_suspends_it_and_it_goes_on_by_itself_when_admitted_again,
    "suspended, resumed": after_paid.test_hazard_09_operators_order_to_resume_wakes_it_and_is_journalled,
    "suspended, redirected": after_paid.test_buyer_and_operators_redirect_it_to_another_account_of_the_buyers,
    "suspended, redirected elsewhere": after_paid.test_a_redirection_elsewhere_is_refused_and_it_stays_suspended,
    "redirected while released": after_paid.test_a_redirection_that_comes_while_the_release_is_refused_is_still_tried,
    "settle_by passes unknown": after_paid.test_hazard_03_04_settle_by_that_passes_while_the_payment_is_unknown_refunds_nothing,
    "resumed before lock and payment": recipes.operators_resume_before_the_lock_and_before_the_payment,
    "an order to resume is refused": recipes.an_order_to_resume_that_is_refused_and_one_that_finds_nobody,
}

FAULTS: Mapping[str, Recipe] = {
    "the payment's answer is lost": faults.test_hazard_01_a_payment_whose_answer_is_lost_is_asked_for_again_and_paid_once,
    "the payment's answers are lost": faults.test_hazard_01_a_payment_whose_answers_are_lost_for_longer_than_a_step_is_paid_once,
    "every answer is lost once": faults.test_hazard_12_every_operation_whose_answer_is_lost_has_its_effect_once,
    "a raw cancel request": faults.test_a_raw_cancel_request_is_recorded_and_otherwise_ignored,
    "a raw cancel request at the start": faults.test_a_cancel_request_that_comes_with_the_start_is_ignored,
    "a raw cancel request at the end": faults.test_a_cancel_request_at_the_very_end_does_not_take_the_report_away,
    "the worker is replaced": recipes.the_worker_is_replaced_while_it_waits,
}

RECOVERING: Mapping[str, Recipe] = {
    "terminated, taken up by one party": recovering.test_one_party_alone_takes_a_terminated_settlement_on_to_its_end,
    "withdrawn though a ledger has a row": recovering.test_hazard_21_nobody_withdraws_what_a_ledger_has_a_row_of,
    "found locked past settle_by": recovering.test_hazard_21_what_stands_locked_past_settle_by_is_voided_and_refunded_not_just_expired,
    "found locked late": recovering.test_hazard_21_a_lock_that_lands_after_its_run_is_gone_is_found_and_settled,
    "found voided": recovering.test_a_void_that_stands_when_a_run_starts_is_only_served,
    "found paid": recovering.test_hazard_03_04_a_payment_that_stands_when_a_run_starts_is_only_served,
    "found settled": recovering.test_hazard_16_what_was_finished_without_a_workflow_is_reported_as_it_ended,
    "found ended, the verdict not read": recovering.test_hazard_16_what_others_settle_before_the_payment_ledger_is_asked_is_taken_as_it_stands,
    "found ended, the verdict not readable yet": recovering.test_hazard_15_a_lock_that_has_ended_waits_for_the_verdict_to_be_readable,
    "found by its start": recovering.test_a_recovering_run_knows_its_terms_though_its_instruction_was_lost,
    "settled again after its end": recovering.test_hazard_16_a_recovered_run_may_follow_one_that_has_completed,
    "woken by the sweep": recovering.test_hazard_21_the_sweep_tells_a_run_that_waits_for_the_other_party_of_a_lock_that_landed_since,
    "a lock lands before the withdrawal": recovering.test_hazard_21_nothing_ends_unmatched_on_what_the_ledgers_said_a_while_ago,
}

SWEEPING: Mapping[str, Recipe] = {
    "sweep: locks and verdicts": recovering.test_the_sweep_recovers_open_locks_and_unserved_verdicts_and_nothing_twice,
    "sweep: on a schedule": recovering.test_sweeps_look_at_every_open_lock_in_turn_however_many_wait_before_it,
    "sweep: attended": recovering.test_the_sweep_leaves_what_has_a_workflow,
    "sweep: a terminated run": recovering.test_the_sweep_recovers_what_a_terminated_run_left_whatever_became_of_its_id,
    "sweep: beside a busy run": recovering.test_the_sweep_recovers_beside_a_run_that_is_busy_with_other_terms,
    "sweep: no ledgers": recovering.test_a_sweep_without_ledger_workers_is_harmless,
    "sweep: the asset ledger away": recovering.test_a_sweep_that_cannot_ask_which_verdicts_are_served_recovers_none_and_reads_them_again,
    "sweep: the payment ledger away": recipes_sweeping.a_sweep_that_finds_the_payment_ledger_away,
    "sweep: nothing": recipes_sweeping.a_sweep_that_finds_nothing,
    "sweep: in pages": recipes_sweeping.a_sweep_in_pages_all_of_which_are_recovered,
    "sweep: as many pages as it may": recipes_sweeping.a_sweep_that_reads_as_many_pages_as_it_may,
    "sweep: ended meanwhile": recipes_sweeping.a_sweep_whose_lock_ends_meanwhile,
}

MISCONDUCT: Mapping[str, Recipe] = {
    "misconduct: accused": misconduct.test_an_attestor_that_contradicts_itself_is_left_out_until_operators_readmit_it,
    "misconduct: a ledger away": misconduct.test_a_ledger_that_is_away_does_not_keep_a_settlement_from_going_on,
    "misconduct: refused": misconduct.test_what_a_ledger_refuses_to_judge_is_told_once_and_a_later_settlement_brings_it_again,
    "misconduct: accused by a later run": misconduct.test_a_run_that_follows_one_that_was_terminated_accuses_again,
}

LONG: Mapping[str, Recipe] = {
    "long: a wait": long_histories.test_a_long_wait_goes_on_in_a_new_run_that_knows_everything,
    "long: a wait from the start": long_histories.test_what_is_shown_goes_on_in_the_new_run_and_what_is_over_is_taken_back,
    "long: repeated instructions": long_histories.test_many_repeated_instructions_go_on_in_a_new_run_that_knows_the_proposals,
    "long: an order to void": long_histories.test_an_order_to_void_is_carried_out_before_the_run_goes_on,
    "long: misconduct": recipes_growing.an_attestor_accused_by_both_runs,
}

VERSIONED: Mapping[str, Recipe] = {
    "builds: continued on another": recipes_growing.continued_on_another_build,
    "builds: moved to another": recipes_growing.moved_to_another_build,
}

HERE: Mapping[str, Recipe] = {
    "here: waits for nobody": here.test_a_settlement_that_waits_for_nobody_takes_12_events,
    "here: one instruction, then the other": here.test_one_of_two_instructions_takes_20,
    "here: roles that have left": recipes_sweeping.roles_that_have_left,
    "here: too slow": recipes_sweeping.a_turn_that_takes_too_long,
    "here: a ledger away": here.test_what_is_broken_is_waited_out_and_can_be_talked_to_meanwhile,
    "here: straight to a wait": here.test_a_settlement_that_has_gone_straight_to_a_wait_goes_on_step_by_step,
    "here: time is up": here.test_no_step_is_begun_once_time_is_up,
    "here: no nudge": here.test_without_a_nudge_a_timer_keeps_check_and_lock_apart,
}

ON_STACK: Mapping[str, Recipe] = {
    "killed at the payment": interrupted.test_another_worker_takes_over_from_one_that_was_killed_and_it_is_paid_once,
    "terminated and swept": interrupted.test_the_sweeper_finds_a_settlement_whose_run_was_terminated,
    "settled on Postgres": recipes_on_stack.settled,
    "killed at the payment, steps here": recipes_on_stack.killed_at_the_payment,
    "killed while it waits, steps here": recipes_on_stack.killed_while_it_waits,
}


def _paths() -> Iterator[Path]:
    for group in (MATCHING, CHECKING, WAITING, VOIDING, AFTER_PAID, FAULTS, RECOVERING, SWEEPING, MISCONDUCT):
        for name, recipe in group.items():
            anywhere = any(mark.name == "anywhere" for mark in _marks(recipe))
            for placement in ("apart", "together") if anywhere else ("apart",):
                yield Path(name, recipe, Where.SERVICE, placement)
    for name, recipe in HERE.items():
        yield Path(name, recipe, Where.SERVICE, "together")
    for name, recipe in LONG.items():
        yield Path(name, recipe, Where.IMPATIENT, "apart")
    for name, recipe in VERSIONED.items():
        yield Path(name, recipe, Where.VERSIONED, "apart")
    for name, recipe in ON_STACK.items():
        yield Path(name, recipe, Where.STACK, "together" if "here" in name else "apart")


PATHS = tuple(_paths())
