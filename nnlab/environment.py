"""Environment: what a run's last bits may depend on: versions, processor, threads and code; nothing personal."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "nnlab-runner",
    "numpy",
    "torch",
    "torchvision",
    "scikit-learn",
    "scipy",
    "matplotlib",
    "safetensors",
    "pydantic",
)


# What the last bits of a result can depend on. The rest of env.json is for people.
_DECISIVE = (
    "machine",
    "python",
    *(f"packages.{name}" for name in ("nnlab-runner", "numpy", "torch", "scikit-learn", "scipy")),
    "cpu",
    "threads",
    "device",
    "gpu",
)


def differences(then: Mapping[str, Any], now: Mapping[str, Any], *, decisive: bool = False) -> list[str]:
    """In what two descriptions differ, as "packages.numpy: 2.3.1 then, 2.4.6 now"; with ``decisive`` only in what the
    last bits can depend on."""
    old, new = flat(then), flat(now)
    keys = _DECISIVE if decisive else dict.fromkeys([*old, *new])
    return [
        f"{key}: {old.get(key)!s:.80} then, {new.get(key)!s:.80} now" for key in keys if old.get(key) != new.get(key)
    ]


def flat(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description with one dotted key for each of what is inside ``packages`` and ``git``."""
    found: dict[str, Any] = {}
    for key, value in description.items():
        found |= {f"{key}.{inner}": of for inner, of in value.items()} if isinstance(value, dict) else {key: value}
    return found


def describe(device: str, threads: int) -> dict[str, Any]:
    """What env.json holds: an allow-list, so that no path, name or variable of the user's slips in."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "cpu": cpu_name(),
        "cores": cores(),
        "threads": threads,
        "device": device,
        "gpu": gpu_name(device),
        "git": git_state(),
    }


def cores() -> int:
    """The CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu_name(device: str) -> str | None:
    """The CUDA device's name; None on the CPU. PyTorch is asked only where it is loaded already."""
    torch: Any = sys.modules.get("torch")
    return str(torch.cuda.get_device_name(device)) if torch and device.startswith("cuda") else None


def git_state() -> dict[str, Any] | None:
    """The commit of the working directory's repository and whether it has uncommitted changes; None outside one."""
    try:
        commit = _git("rev-parse", "HEAD").strip()
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no").strip())}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout  # noqa: S603


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
