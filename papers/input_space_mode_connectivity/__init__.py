"""Figures of the article on mode connectivity in the input space of deep networks, Vrabel et al., arXiv:2409.05800.

All of them are made from data that ship (mnist1d, digits) or from none. With a folder of CIFAR or ImageNet the same
code draws them of these: compute(replace(FULL, data="imagenet", network="googlenet", weights="imagenet",
images="DIR"), folder), see `inputs.Inputs`.
"""

TITLE = "Input space mode connectivity in deep neural networks"
FIGURES = (
    "parameter_connectivity",
    "example_path",
    "barrier_optimisation",
    "percolation_slice",
    "adversarial_path",
    "barrier_statistics",
    "untrained_rounds",
)
