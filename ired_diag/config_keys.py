"""Keys of configuration files that are no knobs: metadata, and what this project does not implement."""

METADATA = ("description", "notes", "investigation", "ablation_stage", "output_dir")

# Keys of the study's configurations and of its forks that mean something this project lacks.
NOT_IMPLEMENTED = (
    "contrastive_temperature",
    "energy_loss_max_weight",
    "energy_loss_timestep_range",
    "energy_loss_warmup_steps",
    "evaluation_mode",
    "gc_temperature",
    "inference_opt_steps",
    "langevin_grad_clip",
    "langevin_sigma_multiplier",
    "model_checkpoints",
    "num_opt_steps",
    "num_test_samples",
    "pgd_delta",
    "pgd_step_size",
    "recovery_loss_weight",
    "recovery_steps",
    "replay_buffer_buckets",
    "replay_buffer_size",
    "replay_sample_prob",
    "residual_filter_quantile",
    "tam_anchor_step",
    "target_mse_threshold",
    "use_cd_loss",
    "use_energy_schedule",
    "use_gradient_contrastive",
    "use_ired_contrastive_loss",
    "use_langevin",
    "use_recovery_loss",
    "use_replay_buffer",
    "use_residual_filter",
    "use_timestep_range",
)
