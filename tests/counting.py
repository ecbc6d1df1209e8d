"""Counting: how many concepts the product holds, told from its source: ``python -m tests.counting``."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "nnlab"
MOST = {
    "classes": 211,
    "functions": 663,
    "constants": 468,
    "exported names": 70,
    "lines": 28_350,
}
"""What is never to be exceeded: whoever adds a concept looks first for one that can go."""


def count(package: Path = PACKAGE) -> dict[str, int]:
    """How many classes, public functions and constants of modules, names in ``__all__`` and lines a package has."""
    found: Counter[str] = Counter(dict.fromkeys(MOST, 0))
    for path in sorted(package.rglob("*.py")):
        text = path.read_text()
        found["lines"] += len(text.splitlines())
        found.update(_concepts(ast.parse(text)))
    return dict(found)


def _concepts(tree: ast.Module) -> Iterator[str]:
    """The kind of each concept in a file, as often as it comes."""
    yield from ("classes" for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield "functions"
        for name in _assigned(node):
            if name == "__all__" and isinstance(node, ast.Assign):
                yield from ["exported names"] * len(ast.literal_eval(node.value))
            elif name.isupper():
                yield "constants"


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (target.id for target in targets if isinstance(target, ast.Name))


if __name__ == "__main__":
    for what, number in count().items():
        sys.stdout.write(f"{number:>7,} {what}, at most {MOST[what]:,}\n")
