"""The documentation as a site of plain files: it opens from a folder, in any browser, without a network.

``python -m docs_site build/site`` writes it; ``make site`` does that. The pages are the Markdown files that
GitHub shows too, in the order of ``contents``. Nothing is fetched: styles, search and pictures are next to
the pages, and the index for the search is a script, because a page from ``file://`` may not read a file.
"""
