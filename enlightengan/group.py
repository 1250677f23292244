"""The processes that share every batch of a run. With one process, which is the rule, everything here does nothing."""

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def size() -> int:
    """How many processes share a batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0, the one that tells and writes."""
    return dist.get_rank() if size() > 1 else 0


class _Total(torch.autograd.Function):
    """A sum over the processes. Each of them is a function of every part, so the gradient is a sum over them, too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous().clone()
        dist.all_reduce(summed)
        return summed


def total(values: Tensor) -> Tensor:
    """The sum of `values` over the processes; gradients flow back to all of them."""
    if size() == 1:
        return values
    summed: Tensor = _Total.apply(values)
    return summed


def mean(values: Tensor) -> Tensor:
    """The mean over all values of all processes, a scalar; gradients flow back to all of them."""
    if size() == 1:
        return values.mean()
    told = total(torch.stack([values.sum(), values.new_tensor(float(values.numel()))]))
    return told[0] / told[1]


def add_up(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor by its sum over the processes, without gradients."""
    if size() > 1:
        for tensor in tensors:
            dist.all_reduce(tensor)


def agreed(value: float) -> float:
    """The first process's `value`, so that all of them stop at the same step."""
    if size() == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64)
    if dist.get_backend() == "nccl":
        told = told.cuda()
    dist.broadcast(told, src=0)
    return float(told.item())


class SynchronisedBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d whose statistics in training are those of all processes' pictures; on any device.

    (torch's own works on CUDA alone.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        if not self.training or size() == 1:
            return super().forward(input)
        x = input if input.dtype == torch.float64 else input.float()
        count = x.new_tensor([x.numel() / x.shape[1]])
        sums = total(torch.cat([x.sum((0, 2, 3)), count]))
        average = sums[:-1] / sums[-1]
        centred = x - average[:, None, None]
        variance = total((centred**2).sum((0, 2, 3))) / sums[-1]
        self._remember(average.detach(), variance.detach(), sums[-1].detach())
        scale = torch.rsqrt(variance + self.eps)
        weight, bias = (p[:, None, None] for p in (self.weight, self.bias))
        return (centred * scale[:, None, None] * weight + bias).to(input.dtype)

    @torch.no_grad()
    def _remember(self, average: Tensor, variance: Tensor, count: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        self.running_mean.lerp_(average.to(self.running_mean.dtype), self.momentum)
        unbiased = variance * count / (count - 1)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def synchronise(network: nn.Module) -> None:
    """Replace every BatchNorm2d below `network` by a synchronised one with the same parameters, in place."""
    for name, child in list(network.named_children()):
        if type(child) is nn.BatchNorm2d:
            twin = SynchronisedBatchNorm(child.num_features, eps=child.eps, momentum=child.momentum)
            twin.load_state_dict(child.state_dict())
            setattr(network, name, twin.to(child.weight.device))
        else:
            synchronise(child)
