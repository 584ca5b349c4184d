"""The settlements that the tests of this folder look at: made once."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.audit.trading import Traded, trade_everything


@pytest.fixture(scope="session")
def host_spans() -> InMemorySpanExporter:
    """The spans of a host application that has set OpenTelemetry up: this process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture(scope="session")
async def traded(tmp_path_factory: pytest.TempPathFactory, host_spans: InMemorySpanExporter) -> Traded:  # noqa: ARG001
    """Settlements of every kind, with a host that traces."""
    return await trade_everything(tmp_path_factory.mktemp("traded"))
