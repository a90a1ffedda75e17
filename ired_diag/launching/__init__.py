"""Training on a cluster: one SLURM array over the runs that are not finished, and what became of each.

The run folders say what is trained, and are the truth; the folder ``slurm`` next to them (``launch``) holds
what was submitted, a readable batch script for each submission, what to train for each index of the array
(``specification``), what each start said of itself (``events``), and the array's own ``.out`` and ``.err``
files. ``states`` joins these with SLURM's queue; accounting is not needed.
"""
