"""OTLP receivers, gRPC and HTTP, that keep what real exporters send them. Judges nothing."""

from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import grpc  # type: ignore[import-untyped] # it ships no types
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from interlock.audit.spans import SpanEvent, SpanLink, StoredSpan

STATUSES = ("UNSET", "OK", "ERROR")
HTTP_PATH = "/v1/traces"


class Received:
    """Every span that arrived, in the audit database's words, and by which protocol."""

    def __init__(self) -> None:
        self.spans: dict[tuple[str, str], StoredSpan] = {}
        self.protocols: dict[tuple[str, str], str] = {}

    def take(self, request: ExportTraceServiceRequest, protocol: str) -> None:
        """Keep a request's spans; of those with the same ids the first, as the audit database does."""
        for of_resource in request.resource_spans:
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    told = stored(span, plain(of_resource.resource.attributes), of_scope.scope.name)
                    key = (told.trace_id, told.span_id)
                    self.spans.setdefault(key, told)
                    self.protocols.setdefault(key, protocol)


def stored(span: Span, resource: dict[str, Any], scope: str) -> StoredSpan:
    """What the audit database should hold of a span that came by OTLP."""
    return StoredSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=STATUSES[span.status.code],
        status_text=span.status.message,
        attributes=plain(span.attributes),
        events=tuple(SpanEvent(each.name, each.time_unix_nano, plain(each.attributes)) for each in span.events),
        links=tuple(SpanLink(each.trace_id.hex(), each.span_id.hex(), plain(each.attributes)) for each in span.links),
        resource=resource,
        scope=scope,
    )


def plain(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """OTLP's attributes as plain values."""
    return {each.key: value_of(each.value) for each in attributes}


def value_of(value: AnyValue) -> Any:
    """One attribute's value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


class _Servicer(TraceServiceServicer):
    def __init__(self, received: Received) -> None:
        self._received = received

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802, ARG002
        """The one call of OTLP over gRPC."""
        self._received.take(request, "grpc")
        return ExportTraceServiceResponse()


@asynccontextmanager
async def grpc_receiver(received: Received) -> AsyncIterator[str]:
    """Its endpoint."""
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(_Servicer(received), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@asynccontextmanager
async def http_receiver(received: Received) -> AsyncIterator[str]:
    """Its endpoint, without the path."""

    async def export(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        received.take(ExportTraceServiceRequest.FromString(await request.read()), "http")
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )

    app = web.Application()
    app.router.add_post(HTTP_PATH, export)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
