"""How the growth of a cluster by the order of its weights nears p_c: powers of the number N of sites taken.

N taken sites are those of the B revealed whose weights are below p_c, more what was taken above it, less what still
waits below it. A site taken above p_c lies in a pond, a cluster at p_c + e, and one of N sites has e ~ N^-sigma: so
N = p_c B (1 + A N^-sigma) below six dimensions. Measured between doublings from 2^8 to 2^14, each to 0.01 to 0.03:
0.40 to 0.42 in d = 2, 0.43 to 0.52 in d = 3, 0.44 to 0.53 in d = 4. The next power is that of trees, N^-1, where B is
linear in N. From six dimensions on what is above and what waits balance as in a tree, but for loops: those of more than
t steps are t^-(d - 4)/2 of all, and t ~ N^1/2, so N^-(d - 4)/4, up to 1/N; with logarithms in d = 6.
"""

import numpy as np

# 1 / (nu d_f), in the plane as proved, above from nu and d_f by simulation, known to 0.003
SIGMA = {2: 36 / 91, 3: 0.452, 4: 0.480, 5: 0.494}
OF_A_TREE = 1.0
FROM_SIX_ON = np.linspace(0.5, OF_A_TREE, 6)
ANY = np.linspace(0.3, OF_A_TREE, 15)


def forms(sizes: np.ndarray, d: int | None) -> list[np.ndarray]:
    """The forms a + b N^-w or a + b N^-w + c N^-v that d allows, (n_sizes, n_parameters); None: any power of 0.3 to 1.

    All are given equal odds before the data.
    """
    if d in SIGMA:
        powers = [(SIGMA[d],), (SIGMA[d], OF_A_TREE)]
    else:
        powers = [(w,) for w in (ANY if d is None else FROM_SIX_ON)]
    x = sizes / sizes[0]
    return [np.stack([np.ones(len(x)), *(x**-w for w in of_one)], axis=1) for of_one in powers]
