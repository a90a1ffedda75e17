"""Write tests/formats/sb3_logger.txt with the logger of stable-baselines3, and its points as recorded.

python tests/formats/make_text_log_sb3.py FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
from stable_baselines3.common.logger import HumanOutputFormat, Logger

folder = Path(sys.argv[1])
rng = np.random.default_rng(7)
with (folder / "sb3_logger.txt").open("w") as file:
    logger = Logger(folder=None, output_formats=[HumanOutputFormat(file)])
    points = []
    for update in range(1, 21):
        values = {
            "rollout/ep_len_mean": float(rng.integers(10, 500)),
            "rollout/ep_rew_mean": float(rng.normal() * 100),
            "time/fps": 800 + update,
            "time/iterations": update,
            "time/total_timesteps": 2048 * update,
            "train/approx_kl": float(rng.random() * 1e-3),
            "train/loss": float("nan") if update == 5 else float(rng.normal() * 1e-6),
            "train/value_loss": float("inf") if update == 6 else float(rng.random() * 1e7),
            "train/a_very_long_name_of_a_metric_that_is_cut": float(rng.random()),
        }
        for name, value in values.items():
            logger.record(name, value)
        logger.dump(step=2048 * update)
        points.append(values)
(folder / "sb3_logger.json").write_text(json.dumps(points))
