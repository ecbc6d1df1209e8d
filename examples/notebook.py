"""Makes road.ipynb of road.py, runs it, and keeps what comes out.

pip install nbclient ipykernel && python examples/notebook.py
"""

import base64
import io
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

HERE = Path(__file__).parent
PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


def cells(script: str) -> list[tuple[str, str]]:
    """(kind, text) of each cell: "markdown" or "code"; the docstring before the first is left out."""
    _, *parts = CELL.split(script)
    found = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        body = re.sub(r"^# ?", "", text, flags=re.MULTILINE) if kind == "markdown" else text
        found.append((kind or "code", body.strip()))
    return found


def _smaller(found: re.Match[str]) -> str:
    """The same picture in 64 colours, which is all that curves need."""
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
        buffer = io.BytesIO()
        picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


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
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data = {"text/html": PICTURE.sub(_smaller, output.data["text/html"])}
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(book, HERE / "road.ipynb")


if __name__ == "__main__":
    main()
