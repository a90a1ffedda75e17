"""Episodes and saved evaluations of Stable-Baselines3, hostile ones included."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import sb3_evaluations, sb3_monitor

HEAD = '#{"t_start": 1.5, "env_id": "CartPole-v1"}\nr,l,t\n'


def test_steps_are_the_lengths_of_all_episodes_so_far(tmp_path: Path) -> None:
    path = tmp_path / "monitor.csv"
    path.write_text(HEAD + "10.5,10,0.1\n-3,5,0.2\nnan,7,0.3\n")
    log = sb3_monitor.read(path)
    assert log.points["episode/reward"].steps.tolist() == [10, 15, 22]
    assert log.points["episode/reward"].values.tolist()[:2] == [10.5, -3.0]
    assert log.stated["config"] == {"env_id": "CartPole-v1"}


def test_a_second_header_with_another_column_begins_an_appended_session(tmp_path: Path) -> None:
    path = tmp_path / "monitor.csv"
    path.write_text(
        HEAD + "1,10,0.1\n" + '#{"t_start": 9}\nr,l,t,is_success\n2,20,0.1,True\n3,30,0.2,1\nx,1,1\n'
    )
    log = sb3_monitor.read(path)
    assert log.points["episode/reward"].steps.tolist() == [10, 30, 60]
    assert log.points["is_success"].values.tolist() == [1.0]
    assert len(log.damaged) == 1


def test_a_torn_episode_is_an_error_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "monitor.csv"
    path.write_text(HEAD + "1,10,0.1\n2,2")
    with pytest.raises(UnreadableFile, match="whole line"):
        sb3_monitor.read(path)
    assert sb3_monitor.read(path, allow_torn_tail=True).torn_tail


def test_evaluations_are_means_over_episodes_as_the_library_logs_them(tmp_path: Path) -> None:
    results = np.array([[1.0, 3.0], [np.nan, 2.0], [np.inf, 1.0]])
    path = tmp_path / "evaluations.npz"
    lengths, successes = np.array([[5, 6]] * 3), np.array([[True, False]] * 3)
    steps = np.array([10, 20, 30])
    np.savez(path, timesteps=steps, results=results, ep_lengths=lengths, successes=successes)
    log = sb3_evaluations.read(path)
    values = log.points["eval/mean_reward"].values
    assert (values[0], np.isnan(values[1]), values[2]) == (2.0, True, np.inf)
    assert log.points["eval/success_rate"].values.tolist() == [0.5] * 3
    assert log.points["eval/mean_ep_length"].steps.tolist() == [10, 20, 30]


def test_an_array_of_objects_is_refused_without_running_it(tmp_path: Path) -> None:
    class Planted:
        def __reduce__(self) -> Any:
            return (Path.touch, (Path(tmp_path, "planted"),))

    path = tmp_path / "evaluations.npz"
    np.savez(path, timesteps=np.array([1]), results=np.array([Planted()], dtype=object))
    with pytest.raises(UnreadableFile, match="damaged file of evaluations"):
        sb3_evaluations.read(path)
    assert not (tmp_path / "planted").exists()


def test_an_array_that_says_it_is_larger_than_its_file_takes_no_memory(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    path = tmp_path / "evaluations.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("timesteps.npy", content.getvalue())
        archive.writestr("results.npy", content.getvalue())
    with pytest.raises(UnreadableFile, match="says that it holds"):
        sb3_evaluations.read(path)


def test_episodes_of_two_environments_join_the_table_of_their_folder(tmp_path: Path) -> None:
    (tmp_path / "progress.csv").write_text("time/total_timesteps,rollout/ep_rew_mean\n64,1.0\n128,2.0\n")
    for number in range(2):
        (tmp_path / f"{number}.monitor.csv").write_text(HEAD + f"{number + 1},10,0.1\n")
    (run,) = open_study(tmp_path).runs
    assert {"rollout/ep_rew_mean", "0/episode/reward", "1/episode/reward"} <= run.history.series.keys()
    assert len(run.sources) == 3


def test_next_to_two_other_logs_a_part_stays_apart(tmp_path: Path) -> None:
    for name in ("a_seed1.csv", "b_seed2.csv"):
        (tmp_path / name).write_text("step,val_loss\n1,0.5\n2,0.4\n")
    (tmp_path / "monitor.csv").write_text(HEAD + "1,10,0.1\n")
    assert len(open_study(tmp_path).runs) == 3
