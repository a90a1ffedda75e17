"""Matrix inversion with IRED: the data, the energy network, its loss, and what needs no network."""
