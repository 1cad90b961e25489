"""A residual network and a vision transformer small enough for images of 8 pixels a side.

They go by `empirical.networks.small:resnet` and `empirical.networks.small:vit`, the command's `resnet` and `vit`.
"""

import torch
from torch import Tensor, nn

PATCH = 2  # pixels a side


class Block(nn.Module):
    """x + conv(relu(conv(relu(x)))): a residual block without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def resnet(shape: tuple[int, ...], n_classes: int, width: int = 32, depth: int = 3) -> nn.Module:
    """`depth` residual blocks at half the resolution and a linear layer on the mean over pixels."""
    channels, _, _ = _image(shape)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=2, padding=1),
        *(Block(width) for _ in range(depth)),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, n_classes),
    )


class Transformer(nn.Module):
    """Patches, a learned position each, pre-norm transformer layers, a linear layer on the mean over patches."""

    def __init__(self, shape: tuple[int, int, int], n_classes: int, width: int, depth: int) -> None:
        super().__init__()
        channels, height, across = shape
        self.patches = nn.Conv2d(channels, width, PATCH, stride=PATCH)
        self.positions = nn.Parameter(0.02 * torch.randn(1, (height // PATCH) * (across // PATCH), width))
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
                for _ in range(depth)
            )
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.positions  # (n, patches, width)
        return self.head(self.layers(tokens).mean(1))


def vit(shape: tuple[int, ...], n_classes: int, width: int = 64, depth: int = 2) -> nn.Module:
    """A vision transformer of patches of 2 x 2 pixels.

    Source: Dosovitskiy et al., An image is worth 16x16 words, ICLR (2021).
    """
    image = _image(shape)
    if image[1] % PATCH or image[2] % PATCH:
        raise ValueError(f"the small vit takes images of even sides, got shape {shape}")
    return Transformer(image, n_classes, width, depth)


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"takes images (channels, height, width), got shape {shape}")
    return shape
