"""How many concepts there are: they are counted right, and no more than the house is to hold."""

from pathlib import Path

from tests.counting import MOST, count


def test_each_kind_of_concept_is_counted(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").write_text(
        "LIMIT = 3\n_HIDDEN: int = 4\nnames = []\n__all__ = ['f', 'g']\n\n\ndef f():\n    def inner(): ...\n\n\n"
        "def _g(): ...\n\n\nclass A:\n    class B: ...\n"
    )
    assert count(tmp_path) == {"classes": 2, "functions": 1, "constants": 2, "exported names": 2, "lines": 15}


def test_there_are_no_more_concepts_than_the_house_is_to_hold() -> None:
    assert {what: number for what, number in count().items() if number > MOST[what]} == {}
