"""The thing under study, as mathematics: matrices, noise, energy, mining, sampling, losses.

Du, Mao, Tenenbaum (2024), Learning Iterative Reasoning through Energy Diffusion, ICML. x is the problem
(a matrix A, flattened), y a candidate answer (its inverse, flattened), t the noise level, 0 the sharpest.
"""
