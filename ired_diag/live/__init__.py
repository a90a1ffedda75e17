"""A run that is still going on: what can be said of it now, so that it is rarely taken back later."""
