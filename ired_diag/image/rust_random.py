"""The random numbers of Rust's ``rand`` 0.8: ``StdRng::seed_from_u64`` and ``gen_range`` of f32.

A 64-bit seed is expanded to 256 bits by PCG32 and keys ChaCha with 12 rounds. A uniform number takes the
upper 23 bits of a word as the mantissa of a float32 in [1, 2), less 1, times the width, plus the lower bound.

Reference: Bernstein (2008), ChaCha, a variant of Salsa20; O'Neill (2014), PCG, HMC-CS-2014-0905; rand_core
0.6 and rand 0.8 of the Rust project.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

PCG_MULTIPLIER = 6364136223846793005
PCG_INCREMENT = 11634580027462260723
CHACHA_CONSTANT = np.frombuffer(b"expand 32-byte k", dtype="<u4")
DOUBLE_ROUNDS = 6  # of ChaCha12
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


def random_words(seed: int, count: int) -> Words:
    """Return the first ``count`` words of ``StdRng::seed_from_u64(seed)``, of shape (count,)."""
    blocks = -(-count // 16)
    start = np.zeros((16, blocks), dtype=np.uint32)
    start[:4] = CHACHA_CONSTANT[:, None]
    start[4:12] = _key(seed)[:, None]
    start[12] = np.arange(blocks)  # the lower half of the counter; no run draws 2³² blocks
    state = start.copy()
    for _ in range(DOUBLE_ROUNDS):
        for quarter in QUARTERS:
            _mix(state, *quarter)
    words: Words = (state + start).T.reshape(-1)[:count]
    return words


def uniform(words: Words, low: float, high: float) -> NDArray[np.float32]:
    """Return numbers in [low, high), one for each word, of the same shape."""
    low32, high32 = np.float32(low), np.float32(high)
    one_to_two = ((words >> 9) | np.uint32(127 << 23)).view(np.float32)
    return (one_to_two - np.float32(1)) * (high32 - low32) + low32


def _key(seed: int) -> Words:
    """Return the 256 bits that a 64-bit seed is expanded to, of shape (8,)."""
    state, words = seed, []
    for _ in range(8):
        state = (state * PCG_MULTIPLIER + PCG_INCREMENT) % 2**64
        shifted = (((state >> 18) ^ state) >> 27) % 2**32
        turn = state >> 59
        words.append((shifted >> turn | shifted << (32 - turn)) % 2**32)
    return np.array(words, dtype=np.uint32)


def _mix(state: Words, a: int, b: int, c: int, d: int) -> None:
    """Do ChaCha's quarter round on four rows, in place."""
    for first, second, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[first] += state[second]
        crossed = state[third] ^ state[first]
        state[third] = crossed << np.uint32(turn) | crossed >> np.uint32(32 - turn)
