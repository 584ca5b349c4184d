"""Each safeguard can still be taken out: the texts that its removal replaces stand in the product, exactly once."""

import ast
from pathlib import Path

import pytest

from tests.safeguards.catalogue import SAFEGUARDS
from tests.safeguards.removal import ROOT, DoesNotApply, Replacement, Safeguard


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda each: each.name)
def test_it_applies_to_the_tree_as_it_stands(safeguard: Safeguard, tmp_path: Path) -> None:
    for each in safeguard.replacements:
        copied = tmp_path / each.file
        copied.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / each.file).is_file() and not copied.exists():
            copied.write_bytes((ROOT / each.file).read_bytes())
    safeguard.take_out(tmp_path)
    for each in safeguard.replacements:
        if each.file.endswith(".py"):
            ast.parse((tmp_path / each.file).read_text())


def test_one_that_does_not_apply_is_named(tmp_path: Path) -> None:
    (tmp_path / "product.py").write_text("guard()\nguard()\n")
    gone, twice = (Safeguard("some", "", (Replacement("product.py", old, ""),), ()) for old in ("gone()", "guard()"))
    for each in (gone, twice):
        with pytest.raises(DoesNotApply, match=r"some: product\.py"):
            each.take_out(tmp_path)
