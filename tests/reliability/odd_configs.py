"""Odd configs: fuzzed ones without end, each made from its number alone."""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

from nnlab import discover
from nnlab.config.frame import TopLevel, Train
from tests.reliability.bad_configs import GOOD, SHIPPED, VALUES, written

Random = random.Random
PLAIN = written(GOOD, "")[0]
CORPUS = [path.read_bytes() for path in SHIPPED] + [
    PLAIN.encode(),
    b"model: {name: logreg-np}\ndataset: {name: csv, path: x.csv, target: y, features: [a, 0]}\ntrain: {steps: 3}\n",
    b"extends: base.yaml\ntrain: {steps: 9, optimizer: adam, betas: [0.9, 0.99]}\nseed: 7\n",
    b"model: {name: cnn-torch}\ndataset:\n  name: mnist\n  fallback: {name: arrays, path: ../x.npz}\nprecision: bf16\n",
]
# What a config may hold where it should not, or where it need not; two spaces stand between them.
NASTY = re.split(
    "  |\n",
    r"""
~  null  0  -1  1  1e999  -.inf  .nan  -0.0  1_000  1e-400  0o17  0xff  no  true  ''  "\0"  "\ud800"  "\uFFFE"  "\x1b[m"
'  "  &x 1  *x  &x [*x]  !!int 3  !!python/object/apply:os.system [id]  !<tag:x> 3  ! 1  <<  {<<: {a: 1}}  {<<: *x}  []
{}  [[]]  {? : }  {a: 1, a: 2}  [1,  {  }  ]  ,  - a  ? [a]  @x  %x  `  # x  --- x  ...  ../x.yaml  /dev/zero  ~root/x
~nobody-here/x  ~/x  file:///etc/passwd  http://x  cuda:1  cuda:999  cuda:1000  full  auto  2001-12-14  1:30  =  :  |  >
a: b: c  [8, 8]  [8, [8]]  {name: digits}  {name: {name: digits}}  relu  digits  mlp-np  cnn-torch  csv  arrays  sgd
image-folder  0.5  150  [relu, tanh]  [0, 1]  __class__  model_config  _files  os  \  ../../..  'a\'  "\  \N  #  [0, x]
""".strip(),
)
NASTY += ["9" * 399, "9" * 5_000, "0x" + "f" * 400, "[" * 19 + "]" * 19, "[" * 40 + "]" * 40, "{a: " * 25 + "}" * 25]
NASTY += [*"\t\r\x07\x00\x85\u2028\ufeff\u202e🙂", "\r\n", "é" * 500, "k" * 101, "a" * 9_000, "a/" * 3_000]
NASTY += ["|\n    a\n\n    b", ">-\n  a", "\n    a: 1", "\n  - 1\n  - 2", "a\n\n\n b"]
BASES = re.split(
    "\\s",
    """
base.yaml ./base.yaml sub/../base.yaml one.yaml two.yaml self.yaml 0.yaml 5.yaml sub/deep.yaml ../up.yaml empty.yaml
latin.yaml none.yaml pipe pipe/x folder.yaml loop.yaml zero.yaml . .. / // ~ /dev/zero /dev/stdin /proc/self/environ
""".strip(),
)
BASES += ["../" * 20 + path for path in ("", "dev/zero", "dev/tty", "dev/fd/0", "proc")]
MARKS = ["[", "{", "- ", "? ", "{a: ", "&a ", "*a ", "'", "#", " ", "\n", "%", "a: ", "\u2028"]
LONG = ["9", "0x", ".", "1e", "-", "_", "!", "&a", "\\", "🙂"]
KEYS = [*TopLevel.model_fields, *(f"train.{key}" for key in Train.model_fields), "model.name", "dataset.name", *VALUES]
KEYS += [
    f"{kind[:-1]}.{key}"
    for kind in ("models", "datasets")
    for name in discover.names(kind)
    for key in discover.file(kind, name).params.model_fields
]
KEYS += ["dataset.fallback.name", "dataset.fallback.path", "__class__", "1", "<<", "é"]


def lay_out(folder: Path) -> None:
    """Bases of all sorts, in a folder inside a folder, so that ``..`` stays inside."""
    (folder / "sub").mkdir(parents=True)
    (folder / "folder.yaml").mkdir()
    files = {
        "one.yaml": "extends: two.yaml\n",
        "two.yaml": "extends: ./sub/../one.yaml\n",
        "self.yaml": "extends: self.yaml\n",
        "empty.yaml": "",
        "../up.yaml": "extends: here/base.yaml\ntrain: ~\nmodel: {name: nn2-np, hidden: 3}\n",
        "sub/deep.yaml": "extends: ../base.yaml\ndataset: {name: csv, path: x.csv, target: 1}\n",
        **{f"{number}.yaml": f"extends: {number + 1}.yaml\nseed: {number}\n" for number in range(11)},
        "11.yaml": PLAIN,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "latin.yaml").write_bytes(b"seed: \xe9\n")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")


def scalar(rng: Random) -> str:
    """A value of any kind: bad for some key, any number, any text, or nasty."""
    what = rng.randrange(4)
    if what == 0:
        return rng.choice(rng.choice(list(VALUES.values())))
    if what == 1:
        return rng.choice([str(rng.randint(-(10**6), 10**6)), repr(rng.random() * 10.0 ** rng.randint(-300, 300))])
    if what == 2:
        return "".join(rng.choices("ab01 .:-[]{},&*!|>'\"%@`~#\n\té🙂", k=rng.randint(0, 12)))
    return rng.choice(NASTY)


def flipped(rng: Random) -> bytes:
    """A known config with some bytes changed, put in, taken out or doubled."""
    data = bytearray(rng.choice(CORPUS))
    for _ in range(rng.choice([1, 1, 2, 6])):
        at, length = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 5, 40])
        piece, signs = bytes(data[at : at + length]), bytes(rng.choices(b"\n\t :-[]{}", k=3))
        data[at : at + length] = rng.choice([b"", piece * 2, rng.randbytes(length), rng.choice(NASTY).encode(), signs])
    return bytes(data)


def swapped(rng: Random) -> bytes:
    """A known config with some values swapped for others, and lines put in."""
    lines = [line for line in rng.choice(CORPUS).decode().splitlines() if not line.startswith("#")]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        if rng.random() < 0.3:
            lines.insert(at, f"{'  ' * rng.randrange(3)}{rng.choice(KEYS).rpartition('.')[2]}: {scalar(rng)}")
        else:
            lines[at] = f"{lines[at].partition(':')[0]}: {scalar(rng)}"
    return "\n".join(lines).encode()


def grown(rng: Random) -> bytes:
    """Known keys with any values, in block style, each where it belongs."""
    config = {key: value for key, value in GOOD.items() if rng.random() < 0.9}
    for _ in range(rng.randint(0, 4)):
        key = rng.choice(KEYS)
        config[key] = rng.choice(VALUES[key]) if key in VALUES and rng.random() < 0.3 else scalar(rng)
    return written({key: value for key, value in config.items() if key.count(".") < 2}, "")[0].encode()


def flow(rng: Random, depth: int = 0) -> str:
    """Anything in brackets."""
    what = rng.randrange(6) if depth < rng.choice([3, 6, 24]) else 0
    if what < 3:
        return scalar(rng) if what else rng.choice(["1", "a", "~", "digits", "mlp-np"])
    inner = [flow(rng, depth + 1) for _ in range(rng.choice([0, 1, 2, 5]))]
    if what == 3:
        return f"[{', '.join(inner)}]"
    return "{" + ", ".join(f"{rng.choice(KEYS).rpartition('.')[2]}: {value}" for value in inner) + "}"


def nested(rng: Random) -> bytes:
    """The keys of the top with anything in brackets in them."""
    keys = rng.sample(["model", "dataset", "train", *TopLevel.model_fields], rng.randint(1, 4))
    return "\n".join(f"{key}: {flow(rng)}" for key in keys).encode()


def noise(rng: Random) -> bytes:
    """Bytes, or characters that YAML gives a meaning, without any sense."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.choice([0, 1, 10, 1000]))
    return "".join(rng.choices("[]{}:,-?&*!|>'\"%@` \n\ta1.#~=<é\u2028", k=rng.choice([1, 5, 50, 500]))).encode()


def huge(rng: Random) -> bytes:
    """Too much of something."""
    many, few = rng.choice([(4_999, 4_900), (9_000, 4_900), (200_000, 6_000)])
    mapping = ", ".join(f"k{number}: 1" for number in range(few))
    items = f"[{f'{scalar(rng)[:20]}, ' * few}]"
    path = rng.choice(["a/", "../", "./", "a", "~"]) * many
    return rng.choice(
        [
            PLAIN + mapping.replace(", ", rng.choice(["\n", "\n  ", ", "])),
            PLAIN.replace("[8, 8]", items),
            PLAIN.replace("[8, 8]", f"[8]\n  activations: {items}"),
            PLAIN.replace("digits", f"digits\n  classes: [{'1.5, ' * few}]"),
            PLAIN.replace("digits", f"mnist\n  fallback: {{name: digits, {mapping}}}"),
            PLAIN.replace("digits", f"csv\n  target: y\n  path: {path}"),
            f"extends: base.yaml\nmodel: {{name: nn2-np, {mapping}}}\n",
            f"extends: {path}\n",
            PLAIN + rng.choice(MARKS) * many,
            PLAIN + f"? {rng.choice(LONG) * many}\n: 1\n",
            PLAIN + f"seed: {rng.choice(LONG) * many}\n",
        ]
    ).encode()


def extended(rng: Random) -> bytes:
    """A config over a base: a good one, a circle, a long row, a device, a pipe, or one that was fuzzed as well."""
    Path("base.yaml").write_bytes(rng.choice([grown, swapped, huge, lambda _: CORPUS[-4]])(rng))
    rest = rng.choice([b"", grown(rng), nested(rng), b"train: {steps: 3}\nmodel: {hidden: [4]}\n"])
    return f"extends: {rng.choice(BASES)}\n".encode() + rest


KINDS: dict[str, tuple[int, Callable[[Random], bytes]]] = {
    "bytes": (20, flipped),
    "values": (25, swapped),
    "keys": (20, grown),
    "brackets": (10, nested),
    "noise": (8, noise),
    "huge": (1, huge),
    "extends": (16, extended),
}


def override(rng: Random) -> str:
    """One ``key=value`` that need not be one."""
    key = rng.choice(KEYS) if rng.random() < 0.95 else rng.choice(["a." * 5_000 + "a", "", ".", "a b", "extends", "é"])
    return f"{key}={rng.choice([scalar, flow])(rng)}" if rng.random() < 0.97 else scalar(rng)


class Case:
    """One fuzzed config with its overrides, written into the working directory."""

    def __init__(self, number: int) -> None:
        rng = Random(number)
        Path("base.yaml").write_text(PLAIN)
        self.kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
        self.text = KINDS[self.kind][1](rng)
        self.overrides = [override(rng) for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2, 4]))]
        self.path = Path("c.yaml")
        self.path.write_bytes(self.text)
        self.name = f"fuzzed {number} ({self.kind}): {self.text[:150]!r} {self.overrides!r:.150}"
