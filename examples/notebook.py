"""Makes road.ipynb of road.py, runs it, and keeps what comes out.

pip install nbclient ipykernel && python examples/notebook.py
"""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).parent
CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


def cells(script: str) -> list[tuple[str, str]]:
    """(kind, text) of each cell: "markdown" or "code"; the docstring before the first is left out."""
    _, *parts = CELL.split(script)
    found = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        body = re.sub(r"^# ?", "", text, flags=re.MULTILINE) if kind == "markdown" else text
        found.append((kind or "code", body.strip()))
    return found


def main() -> None:
    """Run every cell in a folder of its own, so that no run is left here."""
    import tempfile

    made = {"markdown": new_markdown_cell, "code": new_code_cell}
    book = new_notebook(cells=[made[kind](text) for kind, text in cells((HERE / "road.py").read_text())])
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(book, timeout=1200, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(book, HERE / "road.ipynb")


if __name__ == "__main__":
    main()
