"""What our trainer logs of the average of the weights, by name."""

from __future__ import annotations

DISTANCE = "average/distance"
RELATIVE = "average/relative_distance"
RAW = "average/raw_"  # before what the metric measures: the metric of the weights themselves
