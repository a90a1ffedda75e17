"""Statistics: arrays in, numbers out. Nothing here knows what a run is."""
