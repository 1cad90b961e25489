"""Two trained networks: their hidden units matched, and their weights connected by a path of low training loss.

`empirical.weights.connect(model_1, model_2, data)`; `matching.matched(model_1, model_2)`.
"""

from empirical.weights.connecting import ConnectedNetworks, connect
from empirical.weights.matching import matched

__all__ = ["ConnectedNetworks", "connect", "matched"]
