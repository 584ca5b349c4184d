"""Where the steps of a settlement are taken: the second axis of every cell, chosen when the settlement starts."""

from enum import StrEnum

from interlock.protocol.names import Role


class Placement(StrEnum):
    """On the roles' task queues, or in the process that runs the workflow. A room's worker serves both."""

    APART = "apart"
    HERE = "here"

    @property
    def local_roles(self) -> tuple[Role, ...]:
        """What a client that starts a settlement so says of the service."""
        return (Role.ASSET, Role.PAYMENT, Role.COORDINATOR) if self is Placement.HERE else ()
