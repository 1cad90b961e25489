"""Options of `percolation connect`, and those that other commands of this package share, as `--help` shows them."""

from pathlib import Path
from typing import Annotated

import typer

Network = Annotated[
    str,
    typer.Option(
        help="mlp, tanh, erf, sin, cnn1d, cnn, resnet18, resnet50, googlenet, vgg16, vit_b_16, efficientnet_lite0; "
        "torchvision:NAME, timm:NAME, transformers:FOLDER; or module:factory of your own: factory(shape, n_classes) or "
        "factory() -> torch.nn.Module."
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        help="digits, mnist1d (default), pictures (shipped photographs), cifar10, cifar100, imagenet, folder (your own "
        "pictures), or none."
    ),
]
Space = Annotated[
    str, typer.Option(help="inputs, or parameters: networks trained from different seeds, default 3 pairs on digits.")
]
Folder = Annotated[
    Path | None, typer.Option(help="Where cifar10, cifar100, imagenet or your pictures lie; these: a folder a class.")
]
Size = Annotated[int | None, typer.Option(help="Pixels a side to which pictures of a folder are cut; default 224.")]
Training = Annotated[str, typer.Option(help="trained (on the data, or by its weights) or untrained.")]
Weights = Annotated[str, typer.Option(help="random, imagenet, or a file: .pt, .pth, .ckpt, .safetensors.")]
Mean = Annotated[
    str | None, typer.Option(help="Of each channel, which the weights' normalisation takes away: 0.5,0.5,0.5.")
]
Std = Annotated[str | None, typer.Option(help="Of each channel, which it divides by.")]
PairKind = Annotated[
    str, typer.Option(help="natural-natural, natural-adversarial, interpolated, class-optimal, or diverse of those.")
]
Pairs = Annotated[int | None, typer.Option(help="Pairs to connect; default 50.", max=10**6)]
QUICK_PAIRS = 5  # of --quick
InputDimension = Annotated[int | None, typer.Option(help="Input dimension; default: the data set's own.")]
Classes = Annotated[int, typer.Option(help="Classes of a random network without a data set.")]
Sphere = Annotated[
    bool, typer.Option("--sphere", help="Project inputs to the sphere |x|^2 = d, where the norm plays no part.")
]
OnlyClass = Annotated[int | None, typer.Option("--class", help="Look at this class only.")]
LowerEnds = Annotated[
    bool | None, typer.Option(help="Move natural inputs that the network knows down to --stop. Default: pictures only.")
]
SearchStep = Annotated[float | None, typer.Option(help="Of the search for class-optimal inputs, instead of usual.")]
TotalVariation = Annotated[float, typer.Option(help="Weight of it in that search.")]
WeightDecay = Annotated[float | None, typer.Option(help="Of that search; default 1e-7.")]
Bounds = Annotated[str | None, typer.Option(help="Of its points: 0,1. Pictures have them anyway.")]
Robust = Annotated[int, typer.Option(help="Random shifts and sizes over which it averages the loss.")]
FinderStep = Annotated[
    float | None, typer.Option(help="Step of the finder at inputs of variance 1; default: the preset's or network's.")
]
Preset = Annotated[str, typer.Option(help="Procedure: default, fast, or the article's trained or untrained.")]
Level = Annotated[float | None, typer.Option(help="Loss in nats at or below which an input is open; default 1e-3.")]
Stop = Annotated[float, typer.Option(help="Loss in nats at which an optimisation ends, below the level.")]
MaxRounds = Annotated[int, typer.Option(help="Rounds after which a pair is given up.", max=1000)]
Split = Annotated[str, typer.Option(help="Segments that a round cuts: failing, or all.")]
Candidates = Annotated[int, typer.Option(help="Waypoints tried for each barrier.", max=1000)]
Scan = Annotated[
    str | None,
    typer.Option(
        help="Of a segment: sparse (where the loss may exceed the level), dense (the article's); or the preset's."
    ),
]
Plan = Annotated[
    str,
    typer.Option(help="none, or response: begin with the path that linear response of the line says, not the line."),
]
Precision = Annotated[str, typer.Option(help="Of the coarse scan, which only ranks: float32, bfloat16, float16.")]
Seconds = Annotated[float | None, typer.Option("--time", help="Seconds of search, then pairs are given up.")]
Evaluations = Annotated[int | None, typer.Option(help="Points to evaluate, then pairs are given up.")]
Certify = Annotated[
    str | None,
    typer.Option(
        help="Bound the loss between grid points of each path to this many nats; exact: for piecewise-linear networks."
    ),
]
SavePaths = Annotated[bool, typer.Option(help="Write paths.npz and paths.json, for connections.load.")]
Quality = Annotated[
    bool, typer.Option("--quality", help="Write quality.csv: length, angles, mean loss, |B'-B| of each path.")
]
Theory = Annotated[
    bool | None,
    typer.Option(help="Ask the theories too, some 3,000 evaluations a pair. Default: up to 4096 numbers an input."),
]
Quick = Annotated[bool, typer.Option("--quick", help="Few pairs, unless --pairs says how many.")]
OneWorker = Annotated[int, typer.Option(help="Taken for uniformity: one network is one task.")]
