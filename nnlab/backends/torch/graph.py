"""Graph: a training step recorded once as a CUDA graph and launched whole, so that no kernel waits for Python."""

from collections.abc import Callable, Sequence

import torch

Recorded = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From the row numbers of a batch and the learning rate, both on the device, to its loss, which stays there."""

WARM_UP_STEPS = 3


class Graph:
    """A step on batches of one size. Calling it launches the recording on other rows, at another learning rate."""

    def __init__(self, step: Recorded, rows: torch.Tensor, changed: Sequence[torch.Tensor]) -> None:
        """Record ``step``; ``changed`` are the tensors that it updates, which are left as they were.

        The recording holds the addresses of all that the step reads and writes: it must not outlive them.
        https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
        """
        self.device = rows.device
        with torch.cuda.device(self.device):
            self._record(step, rows, changed)

    def _record(self, step: Recorded, rows: torch.Tensor, changed: Sequence[torch.Tensor]) -> None:
        self.rows = rows.clone()
        self.lr = torch.zeros((), device=self.device)  # read anew at each launch; a number would stay what it was
        before = [tensor.clone() for tensor in changed]
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries set themselves up at their first calls, which cannot be recorded
            for _ in range(WARM_UP_STEPS):
                step(self.rows, self.lr)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step(self.rows, self.lr)
        for tensor, value in zip(changed, before, strict=True):
            tensor.copy_(value)

    def __call__(self, rows: torch.Tensor, lr: float) -> torch.Tensor:
        with torch.cuda.device(self.device):
            self.rows.copy_(rows)
            self.lr.fill_(lr)
            self.graph.replay()
        return self.loss
