"""Which device to compute on."""

import torch

from bench.errors import BenchError


def choose_device(name: str = "auto") -> torch.device:
    """`auto` is CUDA where there is one, else the CPU. Raises BenchError when the named device is not there.

    float32 then means float32: TF32, which torch allows convolutions by default, is switched off.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BenchError(f"The device {name} cannot be used: {reason} Choose auto, cpu or another.") from error
    return device


def fast_precision() -> torch.dtype:
    """What convolutions may run in where speed counts more than the last digit: bfloat16 if this CPU computes in it.

    Only for photographs. Scores are always made in float32.
    """
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return torch.bfloat16 if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else torch.float32
