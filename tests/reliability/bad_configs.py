"""Bad configs: a table of them made by hand, and shipped configs spoilt at random until they are refused."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.conftest import ROOT

SHIPPED = sorted((ROOT / "configs").glob("*.yaml"))
GOOD = {"model.name": "mlp-np", "model.hidden": "[8, 8]", "dataset.name": "digits", "train.epochs": "1"}


@dataclass(frozen=True)
class Bad:
    """A config that must be refused."""

    name: str
    text: bytes
    line: int | None = None
    """Where the mistake stands; None where it is not known beforehand."""


# Key, and values that it does not take in the good config.
VALUES = {
    "train.epochs": ["0", "-1", "1.5", "1e1", "'1'", "1_000", "1:30", "true", "[1]", "{a: 1}", "1000001", "9" * 350],
    "train.steps": ["5", "0"],
    "train.batch_size": ["0", "-3", "ful", "1.0", "[32]", "''"],
    "train.optimizer": ["adma", "[sgd]", "3", "SGD", "~"],
    "train.lr": ["0", "-1", ".nan", "-.inf", "1e999", "fast", "{a: 1}", "1e7", "0,1", "true"],
    "train.momentum": ["1", "-0.1", "high"],
    "train.nesterov": ["true", "yes", "1"],
    "train.weight_decay": ["-1", "1e4", ".inf"],
    "train.betas": ["[0.9, 0.99]", "[0.9]", "0.9", "[0.9, 1]", "[0.9, x]"],
    "train.eps": ["1e-8", "0", "2"],
    "train.eval_every": ["0", "-5", "2.0", "never"],
    "train.checkpoint_every": ["0", "true"],
    "train.learning_rate": ["0.1"],
    "train.epoch": ["1"],
    "seed": ["-1", str(2**63), "1.0", "2001-12-14", "one", "[1]", "!!int 3", "&x 3", "*x"],
    "device": ["gpu", "cuda:-1", "cuda:1000", "cuda:x", '"cpu\\n"', "0", "[cpu]", "cuda"],
    "threads": ["0", "-1", "1025", "many", "1.0"],
    "precision": ["fp16", "bf16", "32"],
    "model.hidden": ["8", "[8, a]", "[8, 0]", "[8, [8]]", "[" + "1, " * 101 + "]", "['8']", "{a: 1}"],
    "model.activations": ["[relu]", "rleu", "[relu, tnh]", "3", "{relu: 1}", "[[relu], tanh]"],
    "model.hiden": ["[8]"],
    "model.name": ["mlp-npp", "no", "os", "../mlp-np", "[a, b]", "_stack", "~", "''"],
    "dataset.name": ["mnits", "1", "'digits '", "nnlab.datasets.digits", "_files", "csv"],
    "dataset.limit": ["0", "1.5", "all"],
    "dataset.val_fraction": ["1", "-0.1", ".nan", "half"],
    "dataset.classes": ["[1]", "0", "[1.5, 2]", "'0, 1'"],
    "dataset.url": ["http://x"],
    "dataset.fallback": ["dgits", "3", "{}", "{limit: 5}", "{name: digits, limt: 5}", "csv", "[digits]"],
    "output": ["elsewhere"],
    "lr": ["0.1"],
    "sede": ["1"],
    "extends": ["base.yml", "/etc/passwd", "[a.yaml]", "3", "''", "'a\\0b'", "../../../../../../../dev/zero", "."],
}
OTHERS = [  # the whole file, and the line at which it goes wrong
    (b"", 1),
    (b"# nothing\n", 1),
    (b"- a\n- b\n", 1),
    (b"just words", 1),
    (b"{}", 1),
    (b"model: [1\n", 2),
    (b"model:\n\tname: mlp-np\n", 2),
    (b"model:\n  name: 'open\n", 3),
    (b"model:\n  name: mlp-np\n hidden: [8]\n", 3),
    (b"a: b: c", 1),
    (b"[" * 100_000, 1),
    (b"a: " + b"{a: " * 60_000, 1),
    (b"model: " + b"[1, " * 9 + b"[" + b"1," * 20_000, 1),
    (b"seed: 1\nseed: 2\n", 2),
    (b"seed: 1\n---\nseed: 2\n", 2),
    (b"? [a]\n: b\n", 1),
    (b"<<: {seed: 1}\nmodel: {name: mlp-np}\n", 1),
    (b"seed: \xff\n", 1),
    (b"seed: 1\n\nmodel: \xc3(\n", 3),
    (b"seed: 1\nmodel: \x07\n", 2),
    (b"seed: 1\ndevice: \x00\n", 2),
    (b"\xff\xfes\x00e\x00e\x00d\x00", 1),
    (bytes(range(256)), 2),
    (b"\x89PNG\r\n\x1a\n" + bytes(64), 1),
    (b"#: 1\n" * 60_000, 52_429),
    (b"model: mlp-np\ndataset: digits\ntrain: 3\n", 1),
    (b"model: ~\ndataset: ~\ntrain: ~\n", 1),
    (b"model: {}\ndataset: {}\ntrain: {}\n", 1),
    (b"model: {name: mlp-np}\ndataset: {name: digits}\n", 1),
    (b"".join(b"key%d: 1\n" % number for number in range(4_900)), 1),
    (b"model: {name: mlp-np, activations: [" + b"x, " * 9_900 + b"]}\n", 1),
    (b"train: {epochs: 1}\nmodel: {name: mlp-np}\ndataset: {name: csv, target: y, path: " + b"a/" * 99_000 + b"}", 3),
    (b"model: {name: nn2-np}\ndataset: {name: car-prices}\ntrain: {epochs: 1}\n", 1),
]


def by_hand() -> Iterator[Bad]:
    """The good config with one value that is none, and files that are bad as a whole."""
    for key, values in VALUES.items():
        for number, value in enumerate(values, 1):
            text, line = written({**GOOD, key: value}, key)
            yield Bad(f"{key}-{number}", text.encode(), line)
    for number, (content, line) in enumerate(OTHERS, 1):
        yield Bad(f"file-{number}", content, line)


def written(config: dict[str, str], wanted: str) -> tuple[str, int]:
    """The config as YAML, and the line at which a dotted key stands."""
    sections: dict[str, list[str]] = {}
    for key in config:
        sections.setdefault(key.partition(".")[0], []).append(key)
    lines: list[str] = []
    found = 0
    for section, keys in sections.items():
        lines += [f"{section}:"] * (keys != [section])
        for key in keys:
            lines.append(f"{key.replace(f'{section}.', '  ', 1)}: {config[key]}")
            found = len(lines) if key == wanted else found
    return "\n".join(lines) + "\n", found


def spoilt(seed: int) -> Iterator[Bad]:
    """Shipped configs with one or two lines spoilt, without end; some are still good, and none comes twice."""
    rng = random.Random(seed)
    seen = set()
    for number in itertools.count(1):
        path = rng.choice(SHIPPED)
        lines = path.read_text().splitlines()
        for _ in range(rng.randint(1, 2)):
            _spoil(rng, lines)
        text = "\n".join(lines) + "\n"
        if text not in seen:
            seen.add(text)
            yield Bad(f"{path.stem}-{number}", text.encode())


def _spoil(rng: random.Random, lines: list[str]) -> None:
    """Change one line that says something, in place."""
    at = rng.choice([number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")])
    line = lines[at]
    cut = rng.randrange(len(line))
    value = rng.choice(rng.choice(list(VALUES.values())))
    changed = {
        "deleted": [],
        "twice": [line, line],
        "indented": [f" {line}"],
        "outdented": [line[1:]],
        "cut off": [line[:cut]],
        "a letter out": [line[:cut] + line[cut + 1 :]],
        "letters turned round": [line[:cut] + line[cut:][::-1]],
        "a sign put in": [line[:cut] + rng.choice("{}[]:,'\"&*!|>%@`#-? \t\x07é0") + line[cut:]],
        "another value": [f"{line.partition(':')[0]}: {value}"],
    }
    lines[at : at + 1] = rng.choice(list(changed.values()))
