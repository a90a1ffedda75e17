"""Words for plotly, which obeys tags (``<b>``, ``<a href=…>``) in every text: a name is shown as written."""

from __future__ import annotations

import html

from ired_diag.drawing.label_lines import label_in_lines


def as_written(text: str) -> str:
    """Return a text that plotly shows as it is written.

    >>> as_written("<b>Ours</b> & co"), as_written("lr = 0.1, 'cosine'")
    ('&lt;b&gt;Ours&lt;/b&gt; &amp; co', "lr = 0.1, 'cosine'")
    """
    return html.escape(text, quote=False)


def in_lines(text: str, letters: int) -> str:
    """Return a text broken into lines of at most so many letters, each shown as it is written.

    >>> in_lines("error of <b>", 8)
    'error<br>of &lt;b&gt;'
    """
    return "<br>".join(map(as_written, label_in_lines(text, letters)))
