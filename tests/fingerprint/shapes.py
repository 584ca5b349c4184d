"""The shapes of all that stands in histories or waits on queues: each model's fields, and what is told by which name.

A field may be added if it need not be said, and an enum may grow. What was there stays, as it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from temporalio import workflow
from temporalio.common import RawValue

from interlock.protocol.steps import STEPS
from interlock.workflows.progress import Run
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow

WORKFLOWS = (SettlementWorkflow, SweepWorkflow)
Shape = dict[str, str]
_MAY_BE_LEFT_OUT = "?"


def names() -> Shape:
    """All that others know by a name (workflows, what is said to them, steps), with what each takes and gives."""
    found: Shape = {}
    for each in WORKFLOWS:
        defn = workflow._Definition.must_from_class(each)
        found[f"workflow {defn.name}"] = _in_out(_begun_with(defn), defn.ret_type)
        for kind, known in (("update", defn.updates), ("signal", defn.signals), ("query", defn.queries)):
            for told in known.values():
                found[f"{kind} {told.name}"] = _in_out(told.arg_types, getattr(told, "ret_type", None))
    for step in STEPS.values():
        found[f"step {step.name}"] = f"{step.role.task_queue}: {_in_out([step.request], step.answer)}"
    return dict(sorted(found.items()))


def models() -> dict[str, Shape]:
    """Each model that is in a history, with its fields; an enum has its values."""
    found: dict[str, Shape] = {}
    for root in _roots():
        schema = TypeAdapter(root).json_schema()
        defined = {**schema.pop("$defs", {}), str(getattr(root, "__name__", "")): schema}
        for name, each in defined.items():
            if shape := _shape(each):
                found[name] = shape
    return dict(sorted(found.items()))


def broken(recorded: Mapping[str, Shape], now: Mapping[str, Shape]) -> list[str]:
    """What was recorded in a shape that today's code no longer reads."""
    wrong: list[str] = []
    for model, fields in recorded.items():
        if model not in now:
            wrong.append(f"{model} is gone")
            continue
        for field, kind in fields.items():
            if not _reads(kind, now[model].get(field, "")):
                wrong.append(f"{model}.{field} was {kind}, now is {now[model].get(field, 'gone')}")
        wrong += [
            f"{model}.{field} is new, and must be given: give it a default"
            for field, kind in now[model].items()
            if field not in fields and not kind.endswith(_MAY_BE_LEFT_OUT)
        ]
    return wrong


def _reads(recorded: str, now: str) -> bool:
    """Whether what was written as one is read as the other: every kind is still known, and none must newly be given."""
    was, may_be = (set(kind.removesuffix(_MAY_BE_LEFT_OUT).split(" | ")) for kind in (recorded, now))
    optional = now.endswith(_MAY_BE_LEFT_OUT) or not recorded.endswith(_MAY_BE_LEFT_OUT)
    return was <= may_be and optional


def _roots() -> Iterable[Any]:
    for each in WORKFLOWS:
        defn = workflow._Definition.must_from_class(each)
        yield from (*_begun_with(defn), defn.ret_type)
        told: Any
        for told in (*defn.updates.values(), *defn.queries.values()):
            yield from told.arg_types or ()
            if (given := getattr(told, "ret_type", None)) is not None:
                yield given
    for step in STEPS.values():
        yield step.request
        yield step.answer


def _begun_with(defn: Any) -> list[Any]:
    """A settlement's run is given raw, so that it may say so where it does not understand it; it is read as a Run."""
    return [Run if kind is RawValue else kind for kind in defn.arg_types or ()]


def _in_out(taken: Iterable[Any] | None, given: Any) -> str:
    return f"{', '.join(_spoken(each) for each in taken or ())} -> {_spoken(given)}"


def _spoken(kind: Any) -> str:
    if kind is None:
        return "None"
    schema = TypeAdapter(kind).json_schema()
    return kind.__name__ if isinstance(kind, type) and "properties" in schema else _kind(schema)


def _shape(schema: Mapping[str, Any]) -> Shape:
    if "enum" in schema:
        return {"values": " | ".join(map(str, schema["enum"])) + _MAY_BE_LEFT_OUT}
    required = set(schema.get("required", ()))
    return {
        name: _kind(each) + ("" if name in required else _MAY_BE_LEFT_OUT)
        for name, each in sorted(schema.get("properties", {}).items())
    }


def _kind(schema: Mapping[str, Any]) -> str:
    """A value's kinds in words, in order of the alphabet."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            kinds = {kind for each in schema[union] for kind in _kind(each).split(" | ")}
            return " | ".join(sorted(kinds))
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    match schema.get("type"):
        case "array":
            items = schema.get("items") or {"anyOf": schema.get("prefixItems") or [{}]}
            return f"list of ({_kind(items).replace(' | ', ' or ')})"
        case "object" if "additionalProperties" in schema and schema["additionalProperties"] is not False:
            return "object"
        case kind:
            return str(kind or "anything")
