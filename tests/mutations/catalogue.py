"""Every mutation of the workflows, in the order of the table in docs/replay.md."""

from tests.mutations.breaking import BREAKING
from tests.mutations.harmless import HARMLESS

MUTATIONS = (*BREAKING, *HARMLESS)
