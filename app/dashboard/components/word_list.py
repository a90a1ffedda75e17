"""What the words of the page Statistics mean, where they stand: one folded list."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html

OF_STATISTICS: Mapping[str, str] = {
    "readout": "The one number that each seed's curve is reduced to before groups are compared.",
    "plateau": "Readout: mean of the evaluations from the step on where all compared curves are at rest. "
    "Where they have no plateau in common, the last evaluation is taken, and a note says so.",
    "last": "Readout: the last evaluation.",
    "best": "Readout: the best evaluation. Of many noisy evaluations the best one is good by luck, too.",
    "last10": "Readout: mean of the last ten evaluations.",
    "area": "Readout: area under the curve over its span. It says how fast a group learned, more than how "
    "good it became.",
    "margin": "The largest difference that is too small to matter. It is yours to choose before you look; "
    "unless you do, it is 1% of the mean.",
    "p": "Chance of a difference at least as large as the measured one, if there was none.",
    "Holm p": "That chance, corrected for the number of pairs that are compared.",
    "p of equivalence": "Chance of a difference so far inside the margin, if the true one was as large as "
    "the margin. A small value shows that the groups are equivalent.",
    "exact test": "A test that exchanges whole seeds, or the signs of the differences of pairs, in all "
    "possible ways. Few seeds can be exchanged in few ways, so that no p is below a smallest one: 2/2ⁿ of "
    "n pairs. Where that is above 5%, the test can show nothing, however far apart the groups are.",
    "simultaneous interval": "An interval that holds together with those of all other pairs; it is wider "
    "than that of one pair.",
    "ICC": "Share of the variance of one evaluation that the seed makes. The rest is the noise of single "
    "evaluations.",
    "max-t": "The largest difference over all steps, in standard errors: curves are apart where it is "
    "larger than chance makes it anywhere.",
}


def word_list(words: Mapping[str, str]) -> html.Details:
    """Return words with their meaning, folded."""
    rows = [html.Div([html.Dt(word), html.Dd(meaning)]) for word, meaning in words.items()]
    return html.Details([html.Summary("What the words mean"), html.Dl(rows, className="word-list")])
