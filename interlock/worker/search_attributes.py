"""Makes a Temporal namespace know the search attributes by which settlements are found. Adds; never changes or removes.

Needs operator rights on the cluster, which a production worker should not have: there an operator runs
`interlock cluster prepare` once, and the worker finds them there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from interlock.protocol.names import SEARCH_ATTRIBUTES

_TYPES: Mapping[str, IndexedValueType.ValueType] = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


@dataclass(frozen=True)
class Standing:
    """Which of our search attributes a namespace lacks, and which it has as another type than ours."""

    missing: tuple[str, ...]
    mistyped: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every one is there, as the type that we write."""
        return not self.missing and not self.mistyped


class NotAnOperator(Exception):  # noqa: N818 - named as what the caller is told
    """This connection may not add search attributes (on Temporal Cloud nobody's may); an operator has to."""


async def standing(client: Client) -> Standing:
    """What the client's namespace knows now. Raises RPCError; NotAnOperator if it may not even be asked."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    except RPCError as error:
        raise _told(error) from error
    return Standing(
        missing=tuple(name for name in SEARCH_ATTRIBUTES if name not in known),
        mistyped=tuple(
            name for name, kind in SEARCH_ATTRIBUTES.items() if known.get(name, _TYPES[kind]) != _TYPES[kind]
        ),
    )


async def register(client: Client) -> Standing:
    """Add what is missing; returns what was, before. Harmless to repeat. Raises RPCError and NotAnOperator."""
    found = await standing(client)
    if found.missing:
        missing = {name: _TYPES[SEARCH_ATTRIBUTES[name]] for name in found.missing}
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as error:
            if error.status != RPCStatusCode.ALREADY_EXISTS:  # else another process was quicker
                raise _told(error) from error
    return found


def _told(error: RPCError) -> Exception:
    if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
        return NotAnOperator(error.message)
    return error
