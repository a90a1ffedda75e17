"""Matrix inversion with IRED: an energy over noise levels, trained to predict noise, with mined negatives.

    loss = denoise + w · nce + λ · regularizer        (``ired_diag.inverse.objective``)

Reference: Du, Mao, Tenenbaum (2024), Learning Iterative Reasoning through Energy Diffusion, ICML.
"""

from __future__ import annotations

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.references import answer_size, is_of_study, references_of
from ired_diag.task import LossTerm, Metric, ProblemErrors, Task, late

TRAINING = "ired_diag.inverse.training"

TASK = Task(
    name="inverse",
    title="matrix inversion",
    settings=InverseConfig,
    metric=Metric("validation/mse", "validation MSE", unit="per entry"),
    terms=(
        LossTerm("denoise", "mean squared error of the predicted noise, ‖∇_yE - ε‖²/dim"),
        LossTerm("nce", "noise contrast between a right answer and a mined one, times energy_loss_weight"),
        LossTerm("regularizer", "size of the energies, times energy_reg_weight"),
    ),
    initial_weights=late(TRAINING, "initial_weights"),
    draw_batch=late(TRAINING, "batch_tensors"),
    loss=late(TRAINING, "losses"),
    evaluate=late("ired_diag.inverse.evaluation", "evaluate_tensors"),
    constants=late(TRAINING, "constants_of"),
    parameter_groups=late(TRAINING, "head_group"),
    stacked=True,
    check_weights=late("ired_diag.inverse.stored_network", "check_weights"),
    subject=late("ired_diag.inverse.subjects", "subject_of"),
    troubles=late("ired_diag.inverse.troubles", "troubles_of"),
    columns={
        "energy_positive": "mean energy of right answers",
        "energy_negative": "mean energy of mined answers",
        "energy_margin": "energy_negative - energy_positive",
        "mining_accepted": "share of the mining steps that were kept",
        "curriculum_scale_factor": "mining_scale_factor at this step of its curriculum",
        "curriculum_noise_scale": "mining_noise_scale at this step of its curriculum",
        "curriculum_opt_steps": "mining_opt_steps at this step of its curriculum",
        "negative_share": "share of the samples that have a negative",
        "nce_all": "contrastive term before its weight, were every negative to count",
        "loss_all": "loss, were every sample to count",
        "denoise_all": "denoising term, were every sample to count",
    },
    paired_by=("rank", "ood"),
    references=references_of,
    recognises=is_of_study,
    draws_fresh_data=True,
    absent_sources=late(TRAINING, "absent_sources"),
    answer_size=answer_size,
    problem_errors=ProblemErrors(
        probe="accuracy",
        title="frozen matrices (probe accuracy, in distribution)",
        errors=("mse", "residual"),
        rows={"data": "id", "level": -1, "count": 1, "weights": "ema"},
        most="inner_steps",
        problems=("samples", "seed", "dataset", "rank"),
    ),
)
