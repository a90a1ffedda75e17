"""Keys of configuration files that are no knobs of anything: they describe a run and change nothing."""

METADATA = ("description", "notes", "investigation", "ablation_stage", "output_dir")
