"""The picture backbone as a torch network: EfficientNet-Lite2, moved towards captions by `indexer.training.backbone`.

What runs is its ONNX form (`efficientnet.export_onnx`). `backbone.safetensors` holds how far each weight was moved:
int8, with a scale a row (fp16).
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from indexer import weights


class Backbone(nn.Module):
    """Pictures (n, 3, 260, 260), standardised -> grid (n, 1280, 9, 9) of the last layer, its mean (n, 1280), logits
    (n, 1000) of ImageNet's classes, and mean and spread (n, 1776) of what each stage before it sees.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        network = self.network
        layer, stages = network._swish(network._bn0(network._conv_stem(pictures))), []
        for block in network._blocks:
            after = block(layer)
            if after.shape != layer.shape:  # a stage ended
                stages.append(layer)
            layer = after
        stages.append(layer)
        grid = network._swish(network._bn1(network._conv_head(layer)))
        pooled = grid.mean((2, 3))
        inner = torch.cat([value for s in stages for value in (s.mean((2, 3)), s.std((2, 3)))], 1)
        return grid, pooled, network._fc(pooled), inner


def open_backbone(moved: Path | None) -> Backbone:
    """From the checked .pth file, and what was moved; None leaves it as ImageNet made it."""
    from efficientnet_lite_pytorch import EfficientNet

    (source,) = weights.EFFICIENTNET.verify()
    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(source, weights_only=True, map_location="cpu"))
    if moved is not None:
        steps = load_file(moved)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                if name in steps:
                    rows = steps[f"{name} scale"].float().reshape(-1, *[1] * (tensor.dim() - 1))
                    tensor += steps[name].float() * rows
    return Backbone(network.eval())


def save_moved(tuned: Backbone, target: Path, note: str) -> None:
    """How far `tuned` lies from where it began."""
    before, state = open_backbone(None).network.state_dict(), dict[str, Tensor]()
    for name, tensor in tuned.network.state_dict().items():
        step = tensor.float().cpu() - before[name].float()
        if tensor.is_floating_point() and step.any():
            rows = (step.reshape(len(step), -1).abs().amax(1) / 127).clamp_min(1e-7)
            state[name] = (step / rows.reshape(-1, *[1] * (step.dim() - 1))).round().to(torch.int8)
            state[f"{name} scale"] = rows.half()
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, target, {"note": note})
