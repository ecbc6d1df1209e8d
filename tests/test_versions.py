"""constraints.txt is held to pyproject.toml: a version of everything that it asks for, and one that it allows."""

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import versions

TESTED = dict(line.split("==") for line in versions.CONSTRAINTS.read_text().splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("asked", versions.requirements())
def test_what_is_asked_for_has_a_tested_version(asked):
    requirement = Requirement(asked)
    again = "write constraints.txt again: python -m tests.versions"
    assert canonicalize_name(requirement.name) in TESTED, again
    assert TESTED[canonicalize_name(requirement.name)] in requirement.specifier, again


def test_the_file_says_one_version_of_each_under_its_usual_name():
    assert list(TESTED) == [canonicalize_name(name) for name in TESTED]
    lines = versions.CONSTRAINTS.read_text().splitlines()
    assert len(lines) == len(TESTED) + versions.HEAD.count("\n")


def test_every_lower_bound_is_tried_and_allowed():
    tried = {Requirement(line).name: Requirement(line).specifier for line in versions.lowest()}
    for requirement in map(Requirement, versions.requirements()):
        lowest = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        assert lowest == [bound.version for bound in tried.get(requirement.name, ())]
