"""Declared analyses: what is predicted, written down and locked before the runs, and what the runs say of it.

located.py       YAML with the line of each value
declared.py      what a plan may say, validated
meaning.py       its canonical form, hash, and the differences of two meanings
locks.py         the lock file: hash, time and meaning
times.py         when runs started, and what of that is known
committed.py     when git says that plan and lock were committed
seed_numbers.py  one number for each seed, as a prediction asks for it
judging.py       these numbers against the prediction: two p values, effect, interval
verdicts.py      corrected over the plan: supported, refuted, undecided
checking.py      all of it, for one plan
"""
