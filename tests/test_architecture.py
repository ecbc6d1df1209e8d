"""The house: imports point down, heavy packages load late, and nothing in a file can run code."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "nnlab"
FILES = sorted(PACKAGE.rglob("*.py"))
FLOORS = [
    {"errors", "dataset", "standing"},
    {
        "config",
        "metrics",
        "model",
        "rundir",
        "present",
        "cache",
        "splits",
        "randomness",
        "environment",
        "finding",
        "memory",
        "signals",
        "tables",
    },
    {"budget", "plugin"},
    {"evaluate", "backends", "datasets", "discover"},
    {"fit", "models"},
    {"experiment", "comparison"},
    {"report", "inspection"},
    {"testing"},
    {"cli", "api"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {"torch", "torchvision", "sklearn", "matplotlib", "scipy", "polars"}


def each_file(check: Callable[[Path], None]) -> Callable[[], None]:
    """A test of every file of the package, which names those that fail: a test a file would take far longer."""

    @wraps(check)
    def test() -> None:
        wrong = {}
        for path in FILES:
            try:
                check(path)
            except AssertionError as error:
                wrong[path.relative_to(PACKAGE).as_posix()] = str(error)
        assert not wrong

    del test.__wrapped__  # by whose parameters pytest would go
    return test


def tree_of(path: Path) -> ast.Module:
    """A file's source."""
    return parsed(path.read_text())


parsed = cache(ast.parse)


def room_of(path: Path) -> str:
    """The room a file belongs to: its top-level folder or its own name."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """The modules a file imports; with ``top_level`` only those that load with it."""
    tree = tree_of(path)
    nodes = tree.body if top_level else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which way they point"
            if node.module == "nnlab":
                yield from (f"nnlab.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


@each_file
def test_a_file_opens_with_one_sentence_that_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path)) or ""
    first = docstring.partition("\n")[0]
    assert first.endswith("."), first
    assert len(first) > 15


@each_file
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for module in imported(path):
        parts = module.split(".")
        if parts[0] != "nnlab" or parts[1:] == ["__version__"]:
            continue
        assert parts[1] in FLOOR, f"{module} has no floor"
        assert parts[1] == room or FLOOR[parts[1]] < FLOOR[room], f"{room} (floor {FLOOR[room]}) imports {module}"


def graph_of(modules: dict[str, Path]) -> dict[str, set[str]]:
    """The modules that each one imports, wherever in it: an import inside a function is one that hides a circle."""
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        nodes = list(ast.walk(tree_of(path)))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        for node in (node for node in nodes if isinstance(node, ast.ImportFrom)):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {inner if inner in modules else str(node.module) for inner in inside}
        found[name] = names & modules.keys() - {name}
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """A circle for each module that can be come back to, shortest first: "a > b > a"."""
    found = []
    for start in graph:
        ways, seen = [[start]], set()
        for way in ways:
            for following in sorted(graph[way[-1]] - seen):
                seen.add(following)
                ways.append([*way, following])
                if following == start:
                    found.append(" > ".join(ways[-1]))
    return sorted(found, key=len)


def test_no_import_leads_in_a_circle() -> None:
    names = {path: ".".join(("nnlab", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in FILES}
    modules = {name.removesuffix(".__init__"): path for path, name in names.items()}
    assert not circles(graph_of(modules))


def test_a_circle_is_found_also_where_a_function_hides_it(tmp_path: Path) -> None:
    texts = {
        "nnlab.a": "from nnlab import b",
        "nnlab.b": "def f():\n    from nnlab.c import x",
        "nnlab.c": "import nnlab.a",
    }
    modules = {name: tmp_path / name for name in texts}
    for name, path in modules.items():
        path.write_text(texts[name])
    assert circles(graph_of(modules)) == [
        "nnlab.a > nnlab.b > nnlab.c > nnlab.a",
        "nnlab.b > nnlab.c > nnlab.a > nnlab.b",
        "nnlab.c > nnlab.a > nnlab.b > nnlab.c",
    ]
    modules["nnlab.c"].write_text("import nnlab.d")
    assert not circles(graph_of(modules))


def named_twice(names: list[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def test_no_two_public_classes_have_one_name() -> None:
    nodes = [node for path in FILES for node in ast.walk(tree_of(path))]
    classes = [node.name for node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    assert named_twice(classes) <= {"Params"}


def test_no_two_files_outside_the_command_line_have_one_name() -> None:
    inside = [path for path in FILES if room_of(path) != "cli" and not path.stem.startswith("__")]
    assert not named_twice([path.stem for path in inside])


def test_no_test_imports_from_another() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert not [path for path in files if any(".test_" in module for module in imported(path))]


@each_file
def test_heavy_packages_load_only_where_they_are_needed(path: Path) -> None:
    heavy = {module.split(".")[0] for module in imported(path, top_level=True)} & HEAVY
    assert heavy <= ({"torch"} if path.parent == PACKAGE / "backends/torch" else set())


@each_file
def test_torch_stays_in_its_backend_and_its_models(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    allowed = name.startswith("backends/torch/") or name.endswith("_torch.py")
    assert allowed or "torch" not in {module.split(".")[0] for module in imported(path)}


@each_file
def test_nothing_in_a_file_can_run_code(path: Path) -> None:
    text = path.read_text()
    assert not {"pickle", "dill", "joblib", "shelve", "marshal"} & {m.split(".")[0] for m in imported(path)}
    called = re.findall(
        r"(?<![\w.])(eval|exec|compile|__import__)\(|torch\.(load|save)\(|\.(extractall|extract)\(", text
    )
    assert not called
    if path not in (PACKAGE / "discover/sources.py", PACKAGE / "__init__.py"):
        assert "import_module" not in text


def test_only_the_run_directory_room_creates_or_deletes_under_runs() -> None:
    makers = {room_of(path) for path in FILES if re.search(r"\.mkdir\(|rmtree\(", path.read_text())}
    assert makers <= {"rundir", "cache", "cli", "datasets"}


LIGHT = {
    "--help": [],
    "runs": ["runs"],
    "compare": ["compare", "latest"],
    "diff": ["diff", "latest", "latest"],
    "models": ["models"],
    "config": ["config", str(ROOT / "configs/ann.yaml")],
    "schema": ["schema"],
}


@pytest.mark.parametrize("command", LIGHT)
def test_light_commands_load_no_heavy_package(command: str, tmp_path: Path) -> None:
    arguments = LIGHT[command] or ["--help"]
    code = (
        f"import sys; sys.argv = ['nnlab', *{arguments!r}]\n"
        "from nnlab.cli import main\n"
        "try:\n    main()\nfinally:\n"
        f"    sys.stderr.write('LOADED ' + ' '.join(sorted({HEAVY!r} & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr.rpartition("LOADED")[2].strip() == ""


def test_only_the_command_line_names_its_flags() -> None:
    """The library names arguments, which a notebook has too; a command line that helps is given whole."""
    for path in FILES:
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if room_of(path) != "cli"]
        said = {node.value for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and node not in said]
        for text in texts:
            if isinstance(text, str) and " " in text and re.search(r"(?<![\w-])--[a-z]", text):
                assert re.search(r"\b(nnlab|pip) \w+ ", text), f"{path}: {text}"
