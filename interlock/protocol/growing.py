"""How what programs say to each other grows, so that those of different versions understand each other or say so.

What is asked is understood as a whole or refused; what is told is read as far as it is understood. Nothing here is ever
signed: a field that its reader drops would be a field that nobody signed.
"""

import re
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from interlock.protocol.eip712 import Unsigned


class Sparing(BaseModel):
    """Writes the fields that say anything: one that stands at its default is left out.

    So a field may be added with a default: who does not know it is asked for the same as ever, and only who uses it
    needs a reader of its version.
    """

    @model_serializer(mode="wrap")
    def _without_defaults(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields.items()
        silent = {
            name for name, field in fields if not field.is_required() and getattr(self, name) == field.get_default()
        }
        return {name: value for name, value in write(self).items() if name not in silent}


class Request(Sparing, Unsigned):
    """What somebody is asked to do: understood as a whole or refused, as every Message."""


class Told(Unsigned):
    """What somebody is told: how it went, where something stands. A reader takes the fields that he knows.

    No answer from which it follows what is done next, such as a check or a ledger's row: those are Messages.
    """

    model_config = ConfigDict(extra="ignore")


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Growing(StrEnum):
    """An enumeration that later versions may add to: a name of theirs reads as itself, equal to no name known here.

    Not for what decides: a verdict, a fact, a lock's state are closed, and change with the protocol's version.
    """

    @classmethod
    def _missing_(cls, value: object) -> "Growing | None":
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            return None
        later = str.__new__(cls, value)
        later._name_ = later._value_ = value
        return later

    @property
    def is_known(self) -> bool:
        """Whether this version has the name."""
        return self.value in type(self)._value2member_map_
