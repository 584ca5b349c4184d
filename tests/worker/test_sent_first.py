"""Stored means sent: a batch goes by OTLP before it goes into the trail, and a receiver that hangs holds nothing up."""

import threading
import time
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from interlock.worker.sent_first import SentFirst


class Trail(SpanExporter):
    """Notes that a batch was stored."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        self._done.append("stored")
        return SpanExportResult.SUCCESS


def test_a_batch_is_sent_before_it_is_stored() -> None:
    done: list[str] = []

    def send() -> None:
        time.sleep(0.05)  # a receiver takes its time
        done.append("sent")

    exporter = SentFirst(Trail(done), send)
    exporter.export([])
    exporter.export([])
    assert done == ["sent", "stored", "sent", "stored"]


def test_a_receiver_that_hangs_is_asked_once_and_the_trail_goes_on() -> None:
    done: list[str] = []
    answer = threading.Event()

    def hang() -> None:
        done.append("asked")
        answer.wait()

    exporter = SentFirst(Trail(done), hang)
    for _ in range(3):
        exporter.export([])
    answer.set()
    assert done == ["asked", "stored", "stored", "stored"]
