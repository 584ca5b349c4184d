"""The JSON Schema and the document are of the models as they are, and real proofs are as the schema has them."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from interlock.proof.check import CLAIMS
from interlock.proof.format import Proof
from interlock.proof.schema import DOCUMENT, schema
from interlock.protocol import (
    AccountOrder,
    Cancellation,
    CloseAttestors,
    Message,
    OpenAccount,
    OperatorOrder,
    Readmit,
    Redirection,
    RegisterAsset,
    RegisterAttestors,
    Statement,
    Terms,
)
from interlock.protocol.eip712 import struct_type
from interlock.protocol.misconduct import Contradiction
from interlock.protocol.seals import Seal
from tests.proof.drafts import SCENARIOS, real

PAGE = Path("docs/proof-format.md")
SIGNED: tuple[type[Message], ...] = (
    Terms, Statement, Cancellation, OperatorOrder, Redirection, OpenAccount, AccountOrder, RegisterAsset,
    RegisterAttestors, CloseAttestors, Readmit, Contradiction, Seal,
)  # fmt: skip


def test_the_schema_that_is_kept_is_that_of_the_models() -> None:
    assert DOCUMENT.read_text() == schema()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_real_proofs_are_as_the_schema_has_them(scenario: str) -> None:
    proof = json.loads(real(scenario))
    Draft202012Validator.check_schema(json.loads(DOCUMENT.read_text()))
    assert list(Draft202012Validator(json.loads(DOCUMENT.read_text())).iter_errors(proof)) == []
    del proof["entries"][0]["record"]["reason"]
    assert len(list(Draft202012Validator(json.loads(DOCUMENT.read_text())).iter_errors(proof))) == 1


def test_the_page_names_every_signed_type_as_it_is_hashed() -> None:
    block = PAGE.read_text().split("```")[3]
    assert block.strip().splitlines() == [struct_type(each) for each in SIGNED]


def test_the_page_names_every_member_and_every_claim_in_its_order() -> None:
    page = PAGE.read_text()
    said = [name for row in re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    members = said[: len(Proof.model_fields)]
    assert members == list(Proof.model_fields)
    assert re.findall(r"^\d+\. \*\*(\w+)\.?\*\*", page, re.MULTILINE) == ["form", *(name for name, *_ in CLAIMS)]
