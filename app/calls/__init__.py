"""The commands as Python functions: ``import ired_diag as ird; ird.diagnose("logs")``.

What can be typed can be called. Each function takes paths or names as the command line does, or a study that
is already open, prints nothing, and returns values: findings, a comparison, a DataFrame, paths of files.
"""
