"""How long a client waits: an answer that was cut off is asked for again, one that nobody will give is not."""

from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.client import NoWorker
from interlock.client.patience import CUT_OFF_AT_MOST, Patience


class Question:
    """Cut off so often, as Temporal's client says it when the server ends its connection; then answered."""

    def __init__(self, cut_off: int) -> None:
        self.asked = 0
        self._cut_off = cut_off

    async def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self._cut_off:
            raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")
        return "answer"


@pytest.mark.parametrize("times", range(CUT_OFF_AT_MOST + 1))
async def test_what_was_cut_off_is_asked_again(temporal: Client, times: int) -> None:
    question = Question(times)
    assert await Patience(temporal, timedelta(seconds=5)).answered(question) == "answer"
    assert question.asked == times + 1


async def test_where_nobody_works_what_is_cut_off_again_and_again_is_given_up(temporal: Client) -> None:
    question = Question(10**6)
    with pytest.raises(NoWorker):
        await Patience(temporal, timedelta(seconds=5)).answered(question)
    assert question.asked == CUT_OFF_AT_MOST + 1
