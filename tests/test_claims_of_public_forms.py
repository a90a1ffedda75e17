"""Forms of public READMEs, model cards and papers: right numbers are let be, wrong ones are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ired_diag.claims import Checked, check_report
from ired_diag.claims.compared_groups import compares_with_unnamed
from ired_diag.claims.metrics import metric_at
from ired_diag.runs.study import Study
from tests.claims_studies import BASELINE, QKNORM, THREE_LOSSES, TWO_LOSSES, accused, outcomes, study_of
from tests.runs_of_metrics import Finals, accusations, held, reasons, study_of_metrics

RNG = np.random.default_rng(5)


def _sample(mean: float) -> tuple[float, ...]:
    return tuple(np.round(RNG.normal(mean, 0.004, 4), 4))


RECOMMENDERS: Finals = {
    f"{data}/{model}": {"recall@20": _sample(recall), "ndcg@20": _sample(recall - 0.03)}
    for data, model, recall in (
        ("ml1m", "bprmf", 0.241),
        ("ml1m", "lightgcn", 0.259),
        ("gowalla", "bprmf", 0.140),
        ("gowalla", "lightgcn", 0.183),
    )
}
HORIZONS: Finals = {
    f"{model}/h{horizon}": {"val_mse": _sample(mse), "val_mae": _sample(mse + 0.05)}
    for model, horizon, mse in (
        ("dlinear", 96, 0.302),
        ("dlinear", 720, 0.433),
        ("patchtst", 96, 0.290),
        ("patchtst", 720, 0.418),
    )
}
BENCHMARKS: Finals = {
    "base": {"eval/hellaswag": (0.552, 0.554, 0.549), "eval/piqa": (0.716, 0.718, 0.722)},
    "sft": {"eval/hellaswag": (0.561, 0.563, 0.566), "eval/piqa": (0.725, 0.729, 0.724)},
}
ACCURACIES: Finals = {
    "ablation_full": {"val_acc": (0.812, 0.815, 0.810, 0.813)},
    "ablation_no_aug": {"val_acc": (0.789, 0.786, 0.792, 0.788)},
    "ablation_no_aux": {"val_acc": (0.805, 0.803, 0.807, 0.804)},
}


def _mean(finals: Finals, group: str, metric: str) -> float:
    return float(np.mean(finals[group][metric]))


def _check(finals: Finals, text: str) -> Checked:
    return check_report(text, study_of_metrics(finals))


def _table_of_metrics(wrong: float = 0.0) -> str:
    lines = ["| Data | Metric | BPR-MF | LightGCN |", "|---|---|---|---|"]
    for data, shown in (("ml1m", "ML1M"), ("gowalla", "Gowalla")):
        for metric, label in (("recall@20", shown), ("ndcg@20", "")):
            first = _mean(RECOMMENDERS, f"{data}/bprmf", metric)
            second = _mean(RECOMMENDERS, f"{data}/lightgcn", metric)
            lines.append(f"| {label} | {metric} | {first:.4f} | {second + wrong:.4f} |")
    return "\n".join(lines)


def test_rows_of_data_and_metric_name_groups_with_their_columns() -> None:
    assert accusations(_check(RECOMMENDERS, _table_of_metrics())) == []
    counts = _check(RECOMMENDERS, _table_of_metrics()).counts
    assert counts["holds"] == 8
    assert len(accusations(_check(RECOMMENDERS, _table_of_metrics(wrong=0.021)))) == 4


def _table_of_horizons(wrong: float = 0.0) -> str:
    lines = ["| Horizon | DLinear | | PatchTST | |", "|---|---|---|---|---|", "| | MSE | MAE | MSE | MAE |"]
    for horizon in (96, 720):
        cells = []
        for model in ("dlinear", "patchtst"):
            for metric in ("val_mse", "val_mae"):
                cells.append(f"{_mean(HORIZONS, f'{model}/h{horizon}', metric):.3f}")
        if horizon == 720:
            cells[0] = f"{float(cells[0]) + wrong:.3f}"
        lines.append(f"| {horizon} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_rows_with_a_number_are_the_groups_that_have_it() -> None:
    checked = _check(HORIZONS, _table_of_horizons())
    assert accusations(checked) == []
    assert checked.counts["holds"] == 8
    (statement,) = accusations(_check(HORIZONS, _table_of_horizons(wrong=0.03)))
    assert "dlinear/h720" in statement or "dlinear-h720" in statement


CARD = """| Model | HellaSwag | PIQA | Average |
|---|---|---|---|
| Base | 55.2 | 71.9 | 63.5 |
| SFT | {} | 72.6 | 64.5 |
| SmolLM | 53.8 | 71.4 | 62.6 |

SFT improves HellaSwag by {} points over Base.
"""


def test_benchmarks_are_metrics_where_the_runs_log_them() -> None:
    right = _check(BENCHMARKS, CARD.format("56.3", "1.2"))
    assert accusations(right) == []
    assert right.counts["holds"] == 5
    (statement,) = accusations(_check(BENCHMARKS, CARD.format("56.3", "2.9")))
    assert "2.9" in statement
    assert len(accusations(_check(BENCHMARKS, CARD.format("58.1", "1.2")))) == 1


ABLATION = """| Variant | Val acc (%) |
|---|---|
| Full model | 81.25 |
| w/o augmentation | {} |
| w/o auxiliary loss | 80.48 |
"""


def test_what_is_left_out_may_be_cut_short_in_the_name_of_the_runs() -> None:
    right = _check(ACCURACIES, ABLATION.format("78.88"))
    assert accusations(right) == []
    assert right.counts["holds"] == 3
    (statement,) = accusations(_check(ACCURACIES, ABLATION.format("79.94")))
    assert "w/o augmentation" in statement


COMPRESSED = """| Method | Compression | Val loss |
|---|---|---|
| Baseline | N/A | 3.284 |
| QK norm | 50% | {} |
"""


def test_one_of_several_columns_of_words_names_the_groups() -> None:
    assert accused(COMPRESSED.format("3.259"), TWO_LOSSES) == []
    assert outcomes(COMPRESSED.format("3.259"), TWO_LOSSES)["3.259"] == "holds"
    assert len(accused(COMPRESSED.format("3.279"), TWO_LOSSES)) == 1


GAIN = f"{np.mean(BASELINE) - np.mean(QKNORM):.4f}"
SENTENCES = [
    ("qknorm is better than the baseline on all 4 seeds, by {} on average.", GAIN, "0.0412"),
    ("qknorm has the best val loss: {} nats over the baseline.", f"-{GAIN}", "-0.0412"),
    ("qknorm has the lowest val loss, {}.", "3.2594", "3.2512"),
    ("qknorm beats the baseline in val loss ({} vs. 3.2842).", "3.2594", "3.2512"),
    ("The val loss falls from {} (baseline) to 3.2594 (qknorm).", "3.2842", "3.2912"),
    ("The val loss of qknorm is {} below that of the baseline.", "0.75%", "1.35%"),
    (
        "qknorm beats the baseline in val loss on 4 of 4 seeds, and the difference ({}) is large.",
        GAIN,
        "0.0412",
    ),
    ("The final val loss.\n\n- qknorm: {} (std 0.0031)", "3.2594", "3.2512"),
    ("qknorm\n------\n\n- Val loss: {} (0.0031)", "3.2594", "3.2512"),
]


@pytest.mark.parametrize(("sentence", "right", "wrong"), SENTENCES)
def test_a_form_of_prose_is_confirmed_or_found(sentence: str, right: str, wrong: str) -> None:
    assert accused(sentence.format(right), TWO_LOSSES) == []
    assert outcomes(sentence.format(right), TWO_LOSSES)[right] == "holds"
    assert len(accused(sentence.format(wrong), TWO_LOSSES)) == 1


LEFT_OPEN = [
    "qknorm has the best val loss, 0.09 below HiFi-GAN and 0.0248 below the baseline.",
    "The released checkpoint of qknorm has a val loss of 3.114.",
    "qknorm (50k steps) has a val loss of 3.114.",
    "MOS: 3.9 ± 0.1 (qknorm), 3.7 ± 0.1 (baseline).",
    "qknorm has a MOS of 3.9 ± 0.1.",
    "On the puzzle set the val loss of qknorm is 3.114.",
    "qknorm is 0.0248 below the baseline and 0.0911 below the teacher.",
    "Against qknorm the gain is 0.0248 (95% CI [0.0190, 0.0300]).",
    "qknorm is 0.0248 below the baseline (95% CI of its mean: 3.2545 to 3.2644).",
]


@pytest.mark.parametrize("sentence", LEFT_OPEN)
def test_what_may_be_of_something_else_is_not_accused(sentence: str) -> None:
    assert accused(sentence, THREE_LOSSES) == []


def test_the_whole_validation_set_is_no_part_of_the_data() -> None:
    text = "On the validation set the val loss of qknorm is {}."
    assert outcomes(text.format("3.2594"), TWO_LOSSES)["3.2594"] == "holds"
    assert len(accused(text.format("3.2710"), TWO_LOSSES)) == 1


def test_the_last_days_of_the_data_are_no_part_of_the_seeds() -> None:
    table = "| model | val loss |\n|---|---|\n| baseline | 3.284 |\n| qknorm | {} |"
    text = f"Val loss on the last 28 days.\n\n{table}"
    assert accused(text.format("3.259"), TWO_LOSSES) == []
    assert len(accused(text.format("3.279"), TWO_LOSSES)) == 1


SUMMARIES: Finals = {
    "bart": {"eval_rouge1": (0.3812, 0.3820, 0.3805), "eval_rouge2": (0.1754, 0.1760, 0.1749)},
    "led": {"eval_rouge1": (0.3921, 0.3930, 0.3915), "eval_rouge2": (0.1841, 0.1850, 0.1836)},
}


def test_the_number_of_a_metric_tells_it_from_others_and_is_no_claim() -> None:
    text = "LED is 0.0110 ROUGE-1 points above BART. LED has a ROUGE-2 of {}."
    right = _check(SUMMARIES, text.format("0.1842"))
    assert accusations(right) == []
    assert "1" not in [verdict.claim.said for verdict in right.verdicts]
    assert "0.1842" in held(right)


def test_a_top_5_accuracy_is_not_the_top_1_accuracy_of_the_runs() -> None:
    finals = {"sgd": {"val_top1": (76.2, 76.4, 76.3)}, "lion": {"val_top1": (76.5, 76.6, 76.4)}}
    text = "The top-1 accuracy of sgd is 76.30. Top-5 accuracy: 93.1% (sgd) and 93.4% (lion)."
    assert accusations(_check(finals, text)) == []
    assert "76.30" in held(_check(finals, text))


SPLITS: Finals = {
    "gcn": {"test_acc": (0.7154, 0.7132, 0.7189), "valid_acc": (0.7301, 0.7288, 0.7310)},
    "sgc": {"test_acc": (0.6969, 0.6975, 0.6960), "valid_acc": (0.7106, 0.7111, 0.7099)},
    "gat": {"test_acc": (0.7312, 0.7305, 0.7330), "valid_acc": (0.7441, 0.7429, 0.7450)},
}
OGB = """Accuracy over 3 runs, mean ± standard deviation:

| | Test | Valid |
|---|---|---|
| GCN | {:.4f} ± 0.0029 | 0.7300 ± 0.0011 |
| SGC | 0.6968 ± 0.0008 | 0.7105 ± 0.0006 |
| GAT | 0.7316 ± 0.0013 | {:.4f} ± 0.0011 |
"""


def test_a_column_of_a_data_set_is_of_the_metric_that_is_logged_of_it() -> None:
    right = _check(SPLITS, OGB.format(0.7158, 0.7440))
    assert accusations(right) == []
    assert reasons(right) == ""
    assert len(accusations(_check(SPLITS, OGB.format(0.7258, 0.7440)))) == 1
    assert len(accusations(_check(SPLITS, OGB.format(0.7158, 0.7540)))) == 1


def test_a_label_may_leave_out_what_a_log_adds_to_all_names() -> None:
    study = study_of({"dit_b-fid": (8.11, 8.22, 8.09), "unet_b-fid": (9.42, 9.35, 9.51)}, "fid")
    table = "| backbone | FID |\n|---|---|\n| U-Net-B | 9.43 |\n| DiT-B | {} |"
    assert outcomes(table.format("8.14"), study)["8.14"] == "holds"
    assert len(accused(table.format("7.54"), study)) == 1


def test_a_difference_in_points_is_printed_in_points() -> None:
    text = "| Variant | Val acc (%) |\n|---|---|\n| full | 81.25 |\n| no_aug | 78.88 |\n\n"
    sentence = "The val acc of full is 4.1 points above that of no_aug."
    (statement,) = accusations(_check(ACCURACIES, text + sentence))
    assert "2.375 points" in statement


def test_a_name_that_is_no_group_is_seen_behind_the_word_that_compares() -> None:
    text = "a is 0.2 above HiFi-GAN and 0.1 above b"
    spans = [(0, 1, "a"), (text.rindex("b"), len(text), "b")]
    assert compares_with_unnamed(text, spans, text.index("0.2") + 3)
    assert not compares_with_unnamed(text, spans, text.index("0.1") + 3)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("a has a MOS of 4.1", "mos"),
        ("MOS: 4.1 (a)", "mos"),
        ("SD: a 4.1", ""),
        ("a has a WER of 4.1", "wer"),
    ],
)
def test_an_acronym_before_a_number_is_its_metric(text: str, metric: str) -> None:
    place = text.index("4.1")
    assert metric_at(text, place, place + 3, []) == metric


def test_a_column_alone_with_the_name_of_a_log_is_no_benchmark() -> None:
    finals = {
        "a": {"val_loss": (3.1, 3.2), "rank": (1.0, 2.0)},
        "b": {"val_loss": (3.4, 3.3), "rank": (2.0, 1.0)},
    }
    text = "| model | Rank | val loss |\n|---|---|---|\n| a | 1 | 3.15 |\n| b | 2 | 3.35 |"
    assert accusations(_check(finals, text)) == []


def test_seeds_are_read_of_a_study_without_benchmarks() -> None:
    study: Study = study_of({"baseline": BASELINE, "qknorm": QKNORM})
    text = "| model | val loss |\n|---|---|\n| baseline | 3.284 |\n| qknorm | 3.259 |"
    assert reasons(check_report(text, study)) == ""


ROBUST: Finals = {
    "pgd": {"test_clean_acc": (84.9, 84.6, 85.0), "test_robust_acc": (51.2, 51.5, 50.9)},
    "trades": {"test_clean_acc": (83.1, 83.4, 82.9), "test_robust_acc": (53.4, 53.1, 53.6)},
}
TWO_ATTACKS = """| Method | Clean acc. | Robust acc. (PGD-20) | Tokens |
|---|---|---|---|
| PGD | {:.2f} ± 0.21 | 51.20 ± 0.30 | 576 |
| TRADES | 83.13 ± 0.25 | 53.37 ± 0.25 | 32 |

| Method | Robust acc. (AA) |
|---|---|
| PGD | 47.9 |
| TRADES | 49.2 |

Clean acc. above. Certified acc.: 41.3 (PGD), 42.2 (TRADES).
"""


def test_columns_of_another_logged_metric_or_of_a_unit_alone_are_not_accused() -> None:
    assert accusations(_check(ROBUST, TWO_ATTACKS.format(84.83))) == []
    (statement,) = accusations(_check(ROBUST, TWO_ATTACKS.format(86.01)))
    assert "86.01" in statement


def test_what_a_change_gives_is_no_difference() -> None:
    text = (
        "qknorm is below the baseline. Tuning qknorm for 100 trials, and the baseline for 20, gives 3.2501."
    )
    assert accused(text, TWO_LOSSES) == []


LOSSES = (3.2774, 3.2782, 3.2796, 3.2815, 3.276, 3.2777, 3.2784, 3.2795)
TIMES = (168.627, 169.037, 169.003, 168.727, 168.647, 169.024, 168.917, 168.999)


def _code(p: str) -> str:
    """Return a block of code with two lists, of which the first is tested, as records of speedruns do."""
    return f"""```
accs = {list(LOSSES)}
times = {list(TIMES)}

print('p=%.4f' % scipy.stats.ttest_1samp(accs, 3.28, alternative='less').pvalue)
# p={p}
```
"""


@pytest.mark.parametrize(
    "above", ["Validated results with 8 runs:", "Validated results (p={p}) with 8 runs:"]
)
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_a_list_of_times_is_no_second_group_and_a_fence_no_underline(above: str, between: str) -> None:
    p = f"{ttest_1samp(LOSSES, 3.28, alternative='less').pvalue:.4f}"
    checked = check_report("# A record\n\n" + above.format(p=p) + between + _code(p))
    assert checked.findings == []
    compared = {label for verdict in checked.verdicts for label in verdict.claim.groups}
    assert not any("times" in label for label in compared)
    wrong = check_report("# A record\n\n" + above.format(p=p) + between + _code("0.4312"))
    assert [finding.evidence["line"] for finding in wrong.findings] != []
