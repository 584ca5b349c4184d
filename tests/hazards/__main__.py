"""`python -m tests.hazards` writes which tests name which hazard into docs/hazards.md. Runs no test."""

from tests.hazards.found import PAGE, named_tests, with_tests

PAGE.write_text(with_tests(PAGE.read_text(), named_tests()))
print(f"{PAGE.name}: {sum(map(len, named_tests().values()))} tests name a hazard")
