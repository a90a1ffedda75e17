"""Energy diffusion as mathematics: noise, energy, mining, sampling, losses.

Du, Mao, Tenenbaum (2024), Learning Iterative Reasoning through Energy Diffusion, ICML. x is the problem,
y a candidate answer, both flattened, and t the noise level, 0 the sharpest.
"""
