"""How every process of the service reads its settings: from `INTERLOCK_*` variables, all that is wrong named at once.

Knows no setting. No value is ever repeated in an error: DSNs hold passwords.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "INTERLOCK_"


class SettingsInvalid(ValueError):  # noqa: N818 - it says what is wrong with them
    """One line for each setting that is missing or wrong, by its variable's name."""

    def __init__(self, wrong: Sequence[str]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = tuple(wrong)


class Environment(BaseSettings):
    """What a process is told; a variable that is empty counts as not set. Each process has a subclass."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # the table of settings in docs/deploy.md is made of them
    )

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SettingsInvalid, which names everything that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsInvalid([_line(each["loc"], each["msg"]) for each in error.errors()]) from None


def _line(loc: Sequence[int | str], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not loc:  # about several settings together: the text names them
        return text
    name = PREFIX + str(loc[0]).upper().removeprefix(PREFIX)
    return f"{name}{''.join(f'.{part}' for part in loc[1:])}: {text}"
