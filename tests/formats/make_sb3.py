"""Write tests/formats/sb3: a short training of Stable-Baselines3 2.9.2, as its own readers read it.

python3.11 tests/formats/make_sb3.py              # with stable-baselines3==2.9.2, gymnasium, torch 2.13
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "sb3"


def write(folder: Path) -> None:
    """Train for ten evaluations."""
    import gymnasium
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.monitor import Monitor

    environment = Monitor(gymnasium.make("CartPole-v1"), str(folder / "monitor.csv"))
    evaluation = EvalCallback(
        Monitor(gymnasium.make("CartPole-v1")),
        log_path=str(folder),
        eval_freq=64,
        n_eval_episodes=3,
        verbose=0,
    )
    model = PPO("MlpPolicy", environment, n_steps=64, batch_size=32, n_epochs=1, seed=0, device="cpu")
    model.set_logger(configure(str(folder), ["csv"]))
    model.learn(640, callback=evaluation, log_interval=1)


def points(folder: Path) -> dict[str, logged.Points]:
    """Return the points by file."""
    import numpy as np
    import pandas as pd
    from stable_baselines3.common.monitor import load_results
    from stable_baselines3.common.results_plotter import X_TIMESTEPS, ts2xy

    episodes = load_results(str(folder))
    steps, returns = ts2xy(episodes, X_TIMESTEPS)
    saved = np.load(folder / "evaluations.npz")
    means = saved["results"].mean(axis=1)
    table = pd.read_csv(folder / "progress.csv")
    progress = {}
    for name in table.columns.drop("time/total_timesteps"):
        stated = table[table[name].notna()]
        progress[name] = list(
            zip(stated["time/total_timesteps"].tolist(), stated[name].tolist(), strict=True)
        )
    return {
        "monitor.csv": {"episode/reward": list(zip(steps.tolist(), returns.tolist(), strict=True))},
        "evaluations.npz": {
            "eval/mean_reward": list(zip(saved["timesteps"].tolist(), means.tolist(), strict=True))
        },
        "progress.csv": progress,
    }


def main() -> None:
    """Write the files of the run and their points."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    run = FOLDER / "ppo_seed0"
    run.mkdir(parents=True)
    write(run)
    logged.write_points(FOLDER / "points.json", points(run))


if __name__ == "__main__":
    main()
