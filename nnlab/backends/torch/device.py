"""Device: where PyTorch computes, and how it does so there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nnlab.errors import DeviceError, TrainingError


def find_device(wanted: str) -> torch.device:
    """The device that a config's ``device`` means here: auto is the first CUDA device, else the CPU.

    Raises DeviceError where it is not there, and says what is.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cpu" or (wanted == "auto" and not count):
        return torch.device("cpu")
    if not count:
        built = "" if torch.version.cuda else f" and this PyTorch ({torch.__version__}) is built without CUDA"
        raise DeviceError(f"device: given {wanted!r}, but no CUDA device is found{built}", "use device: cpu or auto")
    number = int(wanted.partition(":")[2] or 0)
    if number >= count:
        raise DeviceError(
            f"device: given {wanted!r}, but there are {count} CUDA devices", f"use cuda:0 to cuda:{count - 1}"
        )
    _make_deterministic()
    return torch.device("cuda", number)


def _make_deterministic() -> None:
    """The same seed gives the same bits on one GPU, in full float32."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn PyTorch's out-of-memory errors, which differ between the devices, into one of ours."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise TrainingError("out of memory", "try a smaller train.batch_size or a narrower model") from error
        raise
