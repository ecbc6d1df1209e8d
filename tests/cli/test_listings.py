"""The models, datasets, config, schema and init commands, help and the version."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from nnlab import discover
from nnlab.config import yaml
from tests.conftest import ROOT, needs_mirror
from tests.run_fixtures import bad, good

COMMANDS = [
    "train",
    "eval",
    "compare",
    "predict",
    "runs",
    "show",
    "rm",
    "models",
    "datasets",
    "config",
    "schema",
    "init",
]


def test_models_lists_every_model_with_its_keys(cli):
    rows = json.loads(good(cli("models", "--json")).stdout)
    assert [row["name"] for row in rows] == discover.names("models")
    assert {"hidden", "activations"} <= set(rows[discover.names("models").index("mlp-np")]["keys"])
    text = good(cli("models")).stdout
    assert all(re.search(rf"^{re.escape(name)} ", text, re.MULTILINE) for name in discover.names("models"))


def test_datasets_lists_every_dataset_with_size_shape_and_whether_it_is_cached(cli, no_data):
    rows = {row["name"]: row for row in json.loads(good(cli("datasets", "--json", **no_data)).stdout)}
    assert list(rows) == discover.names("datasets")
    assert (rows["mnist"]["cached"], rows["mnist"]["train"], rows["mnist"]["shape"]) == (False, 60_000, [28, 28])
    assert rows["digits"]["cached"] is None
    text = good(cli("datasets", **no_data)).stdout
    assert re.search(r"^mnist .*60,000 +10,000 +28x28 +10 +download, 11 MiB", text, re.MULTILINE)
    assert re.search(r"^digits .*1,438 +359 +8x8 +10 +built in", text, re.MULTILINE)
    assert re.search(r"^csv .*your files", text, re.MULTILINE)


def test_fetch_refuses_what_needs_no_download_or_is_not_there(cli):
    bad(cli("datasets", "fetch", "digits"), 2, "digits needs no download: it is built in")
    bad(cli("datasets", "fetch", "mnits"), 2, "there is no dataset called 'mnits'", "mnist")
    bad(cli("datasets", "fecth", "mnist"), 2, "fecth")


@needs_mirror
def test_fetch_fetches_once(cli):
    good(cli("datasets", "fetch", "mnist"))
    again = good(cli("datasets", "fetch", "mnist"))
    assert again.stderr == "mnist is cached already\n"
    rows = {row["name"]: row for row in json.loads(good(cli("datasets", "--json")).stdout)}
    assert rows["mnist"]["cached"] is True


def test_show_draws_a_sheet_of_samples(cli, tmp_path):
    assert good(cli("datasets", "show", "digits", "classes=[3, 7]")).stdout == "digits-samples.png\n"
    assert good(cli("datasets", "show", "car-prices", "--plot", "cars.png")).stdout == "cars.png\n"
    for name in ("digits-samples.png", "cars.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
    bad(cli("datasets", "show", "digits", "clases=[3]"), 2, "command line", "did you mean classes?")
    bad(cli("datasets", "show", "csv"), 2, "dataset.path is missing")
    bad(cli("datasets", "show", "car-prices", "--plot", "x.gif"), 2, "PNG")


def test_config_prints_the_resolved_config_and_where_each_value_comes_from(cli, digits, tmp_path):
    found = good(cli("config", digits, "train.lr=0.5", "model.name=nn2-np", "model.hidden=5"))
    lines = found.stdout.splitlines()
    assert re.search(r"^  lr: 0\.5 +# command line: train\.lr=0\.5$", found.stdout, re.MULTILINE)
    assert re.search(r"^  epochs: 12 +# digits\.yaml:7:11$", found.stdout, re.MULTILINE)
    assert re.search(r"^  batch_size: 32 +# default$", found.stdout, re.MULTILINE)
    assert lines[0] == "model:"
    assert found.stderr == ""
    (tmp_path / "again.yaml").write_text(found.stdout)
    data = json.loads(good(cli("config", "again.yaml", "--json")).stdout)
    assert data["config"] == yaml.read(found.stdout, "x").data
    assert data["origins"]["train.lr"] == "again.yaml:14:7"
    warned = good(cli("config", digits, "model.name=logreg-np"))
    assert warned.stderr == "warning: model.hidden (digits.yaml:3:11) is not a key of logreg-np and is left out\n"
    assert not (tmp_path / "runs").exists()


def test_schema_is_one_json_document(cli):
    schema = json.loads(good(cli("schema")).stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"] == "nnlab config"


def test_init_lays_out_the_shipped_configs_and_never_overwrites(cli, tmp_path):
    names = sorted(path.name for path in (ROOT / "configs").iterdir())
    found = good(cli("init", "new/place"))
    assert found.stdout.splitlines() == [f"new/place/configs/{name}" for name in names]
    assert "nnlab train new/place/configs/ann.yaml" in found.stderr
    for name in names:
        assert (tmp_path / "new/place/configs" / name).read_bytes() == (ROOT / "configs" / name).read_bytes()
    (tmp_path / "new/place/configs" / names[0]).write_text("mine")
    bad(cli("init", "new/place"), 2, "files of these names already", names[0])
    assert (tmp_path / "new/place/configs" / names[0]).read_text() == "mine"
    (tmp_path / "file").write_text("")
    bad(cli("init", "file"), 2, "file")


def test_every_command_has_help_that_says_what_it_does(cli):
    text = good(cli("--help")).stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z]", text, re.MULTILINE)
    assert good(cli("-h")).stdout == text
    assert re.search(r"CONFIG .*A YAML config", good(cli("train", "-h")).stdout)


def test_what_is_no_command_or_option_ends_in_exit_code_2(cli):
    bad(cli("trian"), 2, "No such command", "trian")
    bad(cli("--verbose"), 2, "No such option")
    bad(cli("runs", "--jsn"), 2, "No such option")
    bad(cli("show"), 2, "Missing argument")
    assert cli().returncode == 2


def test_the_version_is_the_packages_own_also_by_the_installed_command(cli):
    import nnlab

    assert good(cli("--version")).stdout == f"nnlab {nnlab.__version__}\n"
    script = shutil.which("nnlab", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed beside this Python")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"nnlab {nnlab.__version__}\n"
