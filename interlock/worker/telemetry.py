"""Where this process's spans and metrics go: the audit database always, OTLP and Prometheus as configured.

OTLP is configured by the standard `OTEL_*` variables. Sampling and switching off are for OTLP only: the audit trail is
whole.
"""

import logging
import os
import threading
from typing import Self

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, Sampler
from opentelemetry.util.re import parse_env_headers
from temporalio.runtime import OpenTelemetryConfig, PrometheusConfig, Runtime, TelemetryConfig

from interlock.activities.record import Recording
from interlock.activities.tracing import StepTracing
from interlock.audit.exporter import AuditExporter
from interlock.worker.sent_first import SentFirst
from interlock.worker.settings import SettingsInvalid, WorkerSettings

log = logging.getLogger("interlock.worker")

AUDIT_EVERY_MS = 50
"""So much of the trail may a killed process take with it; the ledgers' entries keep what they did."""

AUDIT_QUEUE = 65_536
CLOSING_SECONDS = 4.0
GRPC, HTTP = "grpc", "http/protobuf"


class Telemetry:
    """This process's tracer, and the runtime that carries its metrics."""

    def __init__(self, resource: Resource, processors: tuple[SpanProcessor, ...], runtime: Runtime | None) -> None:
        self.resource = resource
        self.runtime = runtime
        self._processors = processors
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        for processor in processors:
            provider.add_span_processor(processor)
        self.tracing = StepTracing(provider.get_tracer("interlock"))
        self.recording = Recording(self.emit, resource)

    @classmethod
    def of(cls, settings: WorkerSettings) -> Self:
        """As configured. Raises SettingsInvalid for an OTLP protocol that is not spoken, or an address in use."""
        roles = sorted(role.value for role in settings.roles)
        ours = Resource.create({SERVICE_NAME: "interlock-worker", "interlock.roles": roles})
        resource = ours.merge(OTELResourceDetector().detect())
        # the standard switch is for OTLP: taken from the environment, it does not reach the audit trail's provider
        disabled = os.environ.pop("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        processors: list[SpanProcessor] = []
        if not disabled and (exporter := _otlp_exporter()) is not None:
            processors.append(_Sampled(BatchSpanProcessor(exporter), TracerProvider(shutdown_on_exit=False).sampler))
        if settings.audit_dsn is None:
            log.warning("INTERLOCK_AUDIT_DSN is not set: this process leaves no audit trail")
        else:
            trail: SpanExporter = AuditExporter(settings.audit_dsn.get_secret_value())
            for otlp in processors:
                trail = SentFirst(trail, otlp.force_flush)
            processors.append(
                BatchSpanProcessor(trail, max_queue_size=AUDIT_QUEUE, schedule_delay_millis=AUDIT_EVERY_MS)
            )
        return cls(resource, tuple(processors), _metrics_runtime(settings.metrics_listen))

    def emit(self, span: ReadableSpan) -> None:
        """Hand on a span that has ended already."""
        for processor in self._processors:
            processor.on_end(span)

    def close(self) -> None:
        """Send what is still here; a few seconds are given to it, whoever does not answer."""
        closing = [threading.Thread(target=processor.shutdown, daemon=True) for processor in self._processors]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(CLOSING_SECONDS)


class _Sampled(SpanProcessor):
    """Passes on what the standard `OTEL_TRACES_SAMPLER` takes: whole traces, for it judges by the trace's id."""

    def __init__(self, inner: SpanProcessor, sampler: Sampler) -> None:
        self._inner = inner
        self._sampler = sampler

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None:
            return
        if self._sampler.should_sample(None, context.trace_id, span.name).decision is Decision.RECORD_AND_SAMPLE:
            self._inner.on_end(span)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _otlp_exporter() -> SpanExporter | None:
    if not _standard("ENDPOINT", "TRACES") or os.environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return None
    if _protocol("TRACES") == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # noqa: PLC0415

        return Grpc()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # noqa: PLC0415

    return Http()


def _metrics_runtime(listen: str | None) -> Runtime | None:
    metrics: PrometheusConfig | OpenTelemetryConfig
    if listen is not None:
        metrics, variable = PrometheusConfig(bind_address=listen, durations_as_seconds=True), "INTERLOCK_METRICS_LISTEN"
    elif endpoint := os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        variable = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
        headers = parse_env_headers(_standard("HEADERS", "METRICS"), liberal=True)
        http = _protocol("METRICS") == HTTP
        metrics = OpenTelemetryConfig(url=endpoint, headers=headers, http=http, durations_as_seconds=True)
    else:
        return None
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=metrics))
    except (RuntimeError, ValueError) as error:
        raise SettingsInvalid([f"{variable}: {error}"]) from None


def _protocol(signal: str) -> str:
    spoken = _standard("PROTOCOL", signal) or HTTP
    if spoken not in (GRPC, HTTP):
        raise SettingsInvalid([f"OTEL_EXPORTER_OTLP_PROTOCOL: {spoken} is not spoken here; {GRPC} and {HTTP} are"])
    return spoken


def _standard(name: str, signal: str) -> str:
    """A signal's own variable, else the one for all signals."""
    own, shared = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}"), os.environ.get(f"OTEL_EXPORTER_OTLP_{name}")
    return (own or shared or "").strip()
