"""What a check's output is taken for: a finding in its words, nothing, or a check that could not be asked at all."""

import pytest

from tests.safeguards.checks import Check, chaos, claims, machine, matrix, model

[MODEL], [MACHINE], [TESTS], [MATRIX], [CHAOS] = (
    model("no_rule"),
    machine(),
    claims("some", "claim"),
    matrix("a:b"),
    chaos(),
)

UNEXPLAINED = """
E   AssertionError: no order of these requests explains their answers and what is seen after them:
E     Lock(trade=Trade())
E       answered: Receipt(kind='receipt', position=1)
E       admitted as the first: 'a new receipt'
E     Pay(trade=Trade())
E       answered: Refusal(kind='refusal', code=<RefusalCode.NO_LOCK: 'no_lock'>, text='...')
E       admitted as the first: ['no_lock']
E     Release(trade=Trade())
E       answered: Receipt(kind='receipt', position=2)
E       admitted as the first: ['certificate_invalid']
FAILED tests/ledgers/machine/test_machine.py::test_ledgers - AssertionError
"""
ODD = "Release(trade=Trade()) was answered a receipt; the model admits ['certificate_invalid']"
FAILED = "E   assert 'receipt' == 'no_lock'\nFAILED tests/some/test_it.py::test_it_holds[postgres] - assert\n"


@pytest.mark.parametrize(
    ("check", "code", "output", "noticed"),
    [
        (MODEL, 0, "no_rule: ...\n  breaks authority, in the shortest way:\n  1. ...\n", "breaks authority"),
        (MODEL, 1, "no_rule: ...\n  NOT BROKEN: authority\n", None),
        (MACHINE, 1, UNEXPLAINED, ODD),
        (MACHINE, 0, "1 passed", None),
        (TESTS, 1, FAILED, "test_it_holds: assert 'receipt' == 'no_lock'"),
        (MATRIX, 1, "1/1 WRONG pay: slow: it is so\nwrong: pay: slow\n", "pay: slow: it is so"),
        (MATRIX, 1, "1/1 pay: slow: SETTLED\nwrong: evidence: entry 5\n", "evidence: entry 5"),
        (MATRIX, 0, "1/1 pay: slow: SETTLED 1.0 s\n", None),
        (CHAOS, 1, "E   seed   1\nE   WRONG        T-1: paid twice\n", "T-1: paid twice"),
    ],
)  # fmt: skip
def test_a_finding_is_told_in_the_checks_own_words(check: Check, code: int, output: str, noticed: str | None) -> None:
    assert check.noticed(code, output) == noticed


@pytest.mark.parametrize(
    ("check", "code", "output"),
    [
        (MODEL, 1, "Traceback ...\nModuleNotFoundError: no model"),
        (TESTS, 5, "no tests ran"),
        (TESTS, 1, "E   Failed: Timeout (>180.0s) from pytest-timeout.\nFAILED tests/a/test_b.py::test_c - Failed"),
        (MATRIX, 1, "Traceback ...\nRuntimeError: no server"),
        (MATRIX, 2, "no such cell"),
        (CHAOS, 4, "no such file"),
    ],
)
def test_what_did_not_run_is_no_finding(check: Check, code: int, output: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check.noticed(code, output)
