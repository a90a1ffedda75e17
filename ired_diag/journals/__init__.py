"""A research journal in Markdown: entries whose evidence can be looked up again.

entries.py    the text: entries, and in them the lines of evidence
quotes.py     what a line of evidence quotes, held against what a command prints today
cells.py      the same of a cell in a table
writing.py    new journals and entries, appended in the journal's own form
"""
