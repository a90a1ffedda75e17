"""Which metric judges a run, in which direction: by the words of its name, the configuration, the user."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.runs.direction import direction_of, lower_by_name
from ired_diag.runs.evaluation_metric import evaluation_metric, other_evaluation_sets, training_metric
from ired_diag.runs.metric_words import HIGHER, LOWER, MEASURES, words_of

KERAS = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"]
BASELINES = [
    "rollout/ep_len_mean",
    "rollout/ep_rew_mean",
    "time/fps",
    "train/loss",
    "train/explained_variance",
]
RAY = ["episode_reward_max", "episode_reward_mean", "episode_len_mean", "info/learner/total_loss"]
SPINNING = ["AverageEpRet", "StdEpRet", "MaxEpRet", "EpLen", "LossPi", "LossV"]
YOLO = ["train/box_loss", "val/box_loss", "val/cls_loss", "metrics/mAP50(B)", "metrics/mAP50-95(B)"]
DPO = ["loss", "eval_loss", "eval_rewards/accuracies", "eval_rewards/margins", "eval_runtime"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["val_loss", "validation/mse"], "validation/mse"),
        (["train_loss", "val_acc"], "val_acc"),
        (["eval_accuracy", "eval_loss", "eval_samples_per_second"], "eval_loss"),
        (["train_loss", "val_loss", "val_kl_loss"], "val_loss"),
        (["val_kl_loss", "val_acc"], "val_acc"),
        (["test_acc", "val_acc"], "val_acc"),
        (["eval_ood_loss", "eval_valid_loss"], "eval_valid_loss"),
        (["loss", "heldout_nll"], "heldout_nll"),
        (["loss", "hold-out/accuracy"], "hold-out/accuracy"),
        (["train_loss", "accuracy", "lr"], "accuracy"),
        (["loss", "accuracy"], "loss"),
        (["trainLoss", "valLoss", "valAcc"], "valLoss"),
        (["trainloss", "testacc"], "testacc"),
        (["loss", "reward", "reward_std", "kl"], "reward"),
        (["charts/episodic_return", "losses/value_loss"], "charts/episodic_return"),
        (["train/mean_reward", "loss/surrogate"], "train/mean_reward"),
        (["d_loss", "g_loss", "fid50k_full"], "fid50k_full"),
        (["train_loss", "eval_train_loss", "eval_val_loss"], "eval_val_loss"),
        (["train/val_loss", "train/loss"], "train/val_loss"),
        (KERAS, "val_loss"),
        (BASELINES, "rollout/ep_rew_mean"),
        (RAY, "episode_reward_mean"),
        (SPINNING, "AverageEpRet"),
        (YOLO, "metrics/mAP50(B)"),
        (DPO, "eval_loss"),
        (["learning_rate", "grad_norm", "epoch", "eval_runtime", "step_time", "temperature"], None),
        (["gpu_memory", "tokens_per_second", "loss_scale", "val_acc_std", "eval_loss_weight"], None),
    ],
)
def test_an_evaluation_of_a_known_measure_comes_before_any_training_metric(
    names: list[str], chosen: str | None
) -> None:
    assert evaluation_metric(names) == chosen
    assert evaluation_metric(names[::-1]) == chosen


def test_an_evaluation_of_the_end_comes_after_those_along_the_way() -> None:
    assert evaluation_metric({"val_acc": [0.5, 0.6], "val_loss": [1.0]}) == "val_acc"
    assert evaluation_metric({"val_acc": [0.5], "val_loss": [1.0]}) == "val_loss"
    assert evaluation_metric({"test_acc": [0.5], "train_loss": [1.0, 0.5]}) == "test_acc"


@pytest.mark.parametrize(
    ("metric", "names", "others"),
    [
        ("eval_valid_loss", ["eval_valid_loss", "eval_ood_loss", "eval_ood_acc", "loss"], ["eval_ood_loss"]),
        ("val_loss", ["val_loss", "test_loss", "val_loss_epoch"], ["test_loss"]),
        (
            "val_loss/dataloader_idx_0",
            ["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"],
            ["val_loss/dataloader_idx_1"],
        ),
        ("val_acc@1", ["val_acc@1", "val_acc@5"], []),
        ("loss", ["loss", "eval_loss"], []),
    ],
)
def test_other_evaluation_sets_measure_the_same_on_other_data(
    metric: str, names: list[str], others: list[str]
) -> None:
    assert other_evaluation_sets(metric, names) == others


UP = """
val_acc accuracy Acc@1 acc1 top_1-acc test/ROC_AUC auroc eval_f1 BinaryF1Score r2 R^2 val_R² psnr ssim
mean_reward rollout/ep_rew_mean AverageEpRet episode_return score success_rate win_rate elo bleu rougeL
miou dice mAP50-95 spearman pearsonr kappa mcc precision recall@10 exact_match log_likelihood elbo
neg_mean_squared_error neg_log_loss
eval_rewards/accuracies acc_norm,none cosine_similarity log_prob
""".split()
DOWN = """
validation/mse val_loss nll neg_log_likelihood bits_per_byte perplexity error_rate val_error rmse mae
fid_score lpips wer cer val_acc_loss loss_reward dice_loss reward_error 1-acc val_1-acc one_minus_auc
neg_reward -reward neg_elbo failure_rate cross_entropy edit_distance mean_squared_error
""".split()
UNKNOWN = "foo neg_loss accuracy_gap reward_std learning_rate val_acc_drop loss_scale epoch".split()


@pytest.mark.parametrize(("names", "lower"), [(UP, False), (DOWN, True), (UNKNOWN, None)])
def test_a_name_says_its_direction_by_its_words(names: list[str], lower: bool | None) -> None:
    assert {name: lower_by_name(name) for name in names} == dict.fromkeys(names, lower)


@pytest.mark.parametrize("name", [*UP, *DOWN])
def test_case_separators_and_the_data_set_do_not_change_the_direction(name: str) -> None:
    forms = [name.replace("_", "-"), name.replace("/", "."), f"eval/{name}"]
    glued = re.search(r"[a-z][A-Z]", name)  # without its capitals it is one word
    for form in forms if glued else [*forms, name.lower(), name.upper()]:
        assert lower_by_name(form) == lower_by_name(name), form


def test_each_measure_has_one_direction() -> None:
    assert not LOWER & HIGHER
    assert set(MEASURES) == LOWER | HIGHER
    assert len(set(MEASURES)) == len(MEASURES)


@given(st.text(max_size=30))
def test_any_name_has_words_and_at_most_one_direction(name: str) -> None:
    assert all(words_of(name))
    assert lower_by_name(name) in (True, False, None)
    assert evaluation_metric([name]) in (name, None)


FOO_UP = {"monitor": "foo", "mode": "max"}
HF = {"metric_for_best_model": "foo", "greater_is_better": True}


@pytest.mark.parametrize(
    ("metric", "configuration", "lower", "source"),
    [
        ("eval_foo", HF, False, "configuration"),  # Hugging Face leaves eval_ out
        ("eval_bar", HF, True, "assumed"),
        ("eval_loss", HF, True, "name"),
        ("foo", {"higher_is_better": True}, False, "configuration"),
        ("val_loss", {"higher_is_better": True}, True, "name"),
        ("foo", {"metric_mode": "max"}, False, "configuration"),
        ("foo", {"mode": "max"}, True, "assumed"),  # the mode of what?
        ("foo", {"mode": "train"}, True, "assumed"),
        ("foo", {"metric": "foo", "mode": "max"}, False, "configuration"),
        ("foo", {"callbacks": [{"monitor": "foo", "mode": "max"}]}, False, "configuration"),
        ("foo", {"early_stopping/monitor": "foo", "early_stopping/mode": "max"}, False, "configuration"),
        ("foo", {"a": FOO_UP, "b": {"monitor": "bar", "mode": "min"}}, False, "configuration"),
        ("foo", {"a": FOO_UP, "b": {"monitor": "foo", "mode": "min"}}, True, "assumed"),
        ("val_score", {"monitor": "val_score", "mode": "min"}, True, "configuration"),
        ("foo", {"higher_is_better": "yes"}, True, "assumed"),
        ("foo", None, True, "assumed"),
    ],
)  # fmt: skip
def test_a_configuration_says_the_direction_of_the_metric_that_it_names(
    metric: str, configuration: dict[str, object] | None, lower: bool, source: str
) -> None:
    found = direction_of(metric, configuration=configuration)
    assert (found.lower_is_better, found.source) == (lower, source)


def test_the_users_word_counts_most_and_an_assumption_names_the_option() -> None:
    told = {"metric": "val_acc", "mode": "max"}
    assert direction_of("val_acc", higher_is_better=False, configuration=told).lower_is_better
    assert direction_of("val_acc").words == "higher is better, by its name"
    assert "assumed" in direction_of("foo").words and "--higher-is-better" in direction_of("foo").words


def test_a_training_metric_measures_what_its_evaluation_does() -> None:
    assert training_metric("val_accuracy", ["loss", "accuracy"]) == "accuracy"
    assert training_metric("val_loss", ["train_loss_epoch", "train_loss_step"]) == "train_loss_epoch"
    assert training_metric("val_accuracy", ["loss"]) is None
