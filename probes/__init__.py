"""One probe, one file: a question put to a checkpoint, a pure measure, declared columns, one figure."""
