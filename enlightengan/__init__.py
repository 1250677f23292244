"""EnlightenGAN (Jiang et al., arXiv 1906.06972): its networks, losses, data and training loop.

Inside this package images are float RGB tensors in [-1, 1]; outside it they are in [0, 1] (`Enhancer` converts).
It runs on a bare machine: torch, numpy, pillow, safetensors and the light modules of `bench`.
"""
