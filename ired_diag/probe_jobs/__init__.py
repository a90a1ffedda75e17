"""Probes over thousands of checkpoints: jobs of 20 to 100 checkpoints, which Snakemake runs.

    ired-diag-out/snakemake/all-1f0c2a9b/
      Snakefile         one rule: measure a job (``snakefile``)
      jobs/0007.json    what a job measures, run by run (``job``, ``packing``)
      done/0007.json    which rows of which tables it wrote (``receipt``)
      logs/0007.log     what it printed

The tables next to the runs are the truth. A receipt only says where to look: it counts for as long as the
tables hold the rows that it names and the checkpoints are the files that were measured (``asking``). A job
asks the tables before it measures, so that a job that runs again measures only what is missing.

Reference: Mölder et al. (2021), Sustainable data analysis with Snakemake, F1000Research 10:33.
"""
