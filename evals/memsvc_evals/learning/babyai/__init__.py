"""BabyAI's levels, done by scripts: which script suits which mission is what is to be learned.

BabyAI (Chevalier-Boisvert et al., ICLR 2019) is part of the package `minigrid`: `pip install 'memsvc[envs]'`. `tasks`
makes its levels, `missions` is the language of missions and scripts, `view` and `interpreter` carry a script out, and
`study` is what is measured.
"""

from memsvc_evals.learning.babyai.study import Plan, run_babyai

__all__ = ["Plan", "run_babyai"]
