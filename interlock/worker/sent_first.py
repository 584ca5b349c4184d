"""That a span stands in the audit trail means that it was sent by OTLP too, where that is configured: what a killed
process still held is missing in the trail then, and is made again for both (docs/decisions/0016).

An OTLP receiver that is slow or away holds the trail up for a moment, and no longer.
"""

import threading
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

SENT_WITHIN_SECONDS = 0.5


class SentFirst(SpanExporter):
    """An exporter before whose batches something else is flushed."""

    def __init__(self, inner: SpanExporter, flush: Callable[[], object]) -> None:
        """`flush` sends, and returns when it is done or has given up."""
        self._inner = inner
        self._flush = flush
        self._flushing: threading.Thread | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Have the other one flushed, unless it is still at an earlier batch; then export."""
        if self._flushing is None or not self._flushing.is_alive():
            self._flushing = threading.Thread(target=self._flush, name="interlock-otlp-first", daemon=True)
            self._flushing.start()
            self._flushing.join(SENT_WITHIN_SECONDS)
        return self._inner.export(spans)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """The inner one's."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """The inner one's."""
        self._inner.shutdown()
