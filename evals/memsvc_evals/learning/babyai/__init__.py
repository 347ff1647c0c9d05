"""BabyAI's levels, done by scripts: which script suits which mission is what is to be learned.

BabyAI (Chevalier-Boisvert et al., ICLR 2019) is part of the package `minigrid`: `pip install 'memsvc[envs]'`.
"""
