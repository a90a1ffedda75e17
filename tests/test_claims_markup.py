"""Tables in HTML, in code blocks and of siunitx: a right number holds, a wrong one is found, code is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.claims.markdown import parts_of
from ired_diag.claims.siunitx import with_uncertainty, without_siunitx
from ired_diag.claims.table import Table
from ired_diag.final_values import study_of_tables
from ired_diag.runs.study import Study

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Study:
    path = tmp_path_factory.mktemp("finals") / "finals.csv"
    rows = [
        f"{name},{seed},{value}\n"
        for name, values in (("baseline", BASELINE), ("muon", MUON))
        for seed, value in enumerate(values)
    ]
    path.write_text("method,seed,val_loss\n" + "".join(rows))
    return study_of_tables([path])


def accusations(result: Checked) -> list[str]:
    return [f.statement for f in result.findings if f.severity != "note"]


PANDAS = """Final losses:

<div>
<style scoped>
    .dataframe tbody tr th { vertical-align: top; }
</style>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;">
      <th></th>
      <th colspan="2" halign="left">val_loss</th>
    </tr>
    <tr>
      <th></th>
      <th>mean</th>
      <th>std</th>
    </tr>
    <tr>
      <th>method</th>
      <th></th>
      <th></th>
    </tr>
  </thead>
  <tbody>
    <tr>
      <th>baseline</th>
      <td>0.433</td>
      <td>0.0105</td>
    </tr>
    <tr>
      <th>muon</th>
      <td>@</td>
      <td>0.0100</td>
    </tr>
  </tbody>
</table>
</div>
"""
BY_HAND = """<table>
<caption>Validation loss, mean &plusmn; std over 8 seeds</caption>
<tr><th>Method</th><th>val loss</th></tr>
<tr><td>baseline</td><td>0.433 &plusmn; 0.011</td></tr>
<tr><td>muon</td><td><b>@ &plusmn; 0.010</b></td></tr>
</table>
"""
PAGE = """<!doctype html>
<html><head><title>p = 0.9</title></head>
<body>
<h2>Results of muon</h2>
<p>Muon reaches a mean val loss of <b>@</b> (8 seeds).</p>
<script>var p = 0.5;</script>
</body></html>
"""
PRINTED = """```
           mean     std  count
method
baseline  0.433  0.0105      8
muon      @  0.0100      8
```
"""
COMMAS = "```csv\nmethod,val_loss,std\nbaseline,0.433,0.011\nmuon,@,0.010\n```\n"
BARS = """```text
+----------+----------+
| method   | val_loss |
+==========+==========+
| baseline | 0.433    |
| muon     | @    |
+----------+----------+
```
"""
INDENTED = """Output:

    method      val_loss    std
    --------  ----------  -----
    baseline       0.433  0.011
    muon           @  0.010
"""
SIUNITX = r"""\begin{table}
\caption{Validation loss (mean and standard deviation)}
\begin{tabular}{l S[table-format=1.3(2)] S}
\toprule
{Method} & {val loss} & {seeds} \\
\midrule
baseline & 0.433(11) & 8 \\
muon & @(10) & 8 \\
\bottomrule
\end{tabular}
\end{table}
"""
NUM = r"Muon reaches a mean val loss of \num{@(10)} in \SI{1.5}{\hour}."
FORMS = {
    "pandas": PANDAS, "by hand": BY_HAND, "page": PAGE, "printed": PRINTED, "commas": COMMAS, "bars": BARS,
    "indented": INDENTED, "siunitx": SIUNITX, "num": NUM,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_right_number_holds_in_each_form_and_a_wrong_one_is_found(form: str, losses: Study) -> None:
    right = check_report(FORMS[form].replace("@", "0.416"), losses)
    assert accusations(right) == []
    assert Counter(v.claim.kind for v in right.verdicts if v.outcome == "holds")["mean"] >= 1
    wrong = accusations(check_report(FORMS[form].replace("@", "0.426"), losses))
    assert len(wrong) == 1
    assert "0.426" in wrong[0]


def test_a_wrong_uncertainty_in_brackets_is_found(losses: Study) -> None:
    wrong = accusations(check_report(SIUNITX.replace("@(10)", "0.416(31)"), losses))
    assert len(wrong) == 1
    assert "0.031" in wrong[0]


def test_digits_in_brackets_without_a_word_on_them_are_no_spread(losses: Study) -> None:
    text = "| method | val loss |\n|---|---|\n| baseline | 0.433(8) |\n| muon | 0.416(8) |\n"
    result = check_report(text, losses)
    assert (accusations(result), result.counts["holds"]) == ([], 2)


def test_the_lines_of_an_html_table_are_those_of_its_rows(losses: Study) -> None:
    result = check_report(BY_HAND.replace("@", "0.426"), losses)
    assert [finding.evidence["line"] for finding in result.findings] == [5]


def test_cells_that_span_rows_are_repeated() -> None:
    text = (
        "<table>\n<tr><th>task</th><th>method</th><th>loss</th></tr>\n"
        '<tr><td rowspan="2">maze</td><td>a</td><td>1</td></tr>\n<tr><td>b</td><td>2</td></tr>\n</table>\n'
    )
    (table,) = [part for part in parts_of(text) if isinstance(part, Table)]
    assert [cells for _, cells in table.rows] == [("maze", "a", "1"), ("maze", "b", "2")]


CODE = (
    "```python\nconfig = dict(a, b)\nname,loss\nbaseline,0.9\nmuon,0.8\n```\n",
    "```\nstep  train_loss  val_loss\n100   0.9         0.8\n200   0.7         0.6\n```\n",
    "```\n$ python train.py  --seed 1\nval_loss  0.9\nval_loss  0.8\n```\n",
    "```\nplugins | loss\nno bar here\nmuon | 0.8\n```\n",
    "```\nlr=0.1  wd=0.2\nbaseline  0.9\nmuon  0.8\n```\n",
    "```\nmethod  val_loss\nbaseline  0.9  # old\nmuon  0.8\n```\n",
    "<table><tr><th>method</th><th>val loss</th></tr><tr><td>muon</td><td>0.9</td></tr></table>\n",
    "<!-- <table>\n<tr><th>method</th><th>val loss</th></tr>\n"
    "<tr><td>muon</td><td>0.9</td></tr>\n</table> -->\n",
)


@pytest.mark.parametrize("code", CODE)
def test_code_logs_and_what_cannot_be_told_apart_hold_no_tables(code: str, losses: Study) -> None:
    assert [part for part in parts_of(code) if isinstance(part, Table)] == []
    assert accusations(check_report(code, losses)) == []


def test_siunitx_is_written_as_plain_numbers() -> None:
    assert without_siunitx(r"\num{1.2e-3} \SI{41.6}{\percent} \numrange{1}{2}") == "1.2e-3 41.6 % 1 to 2"
    assert with_uncertainty("12.34(5)") == "12.34 ± 0.05"
    assert with_uncertainty("12.3(45)") == "12.3 ± 4.5"
    assert with_uncertainty("12(3)") == "12(3)"


def test_a_table_of_values_by_seed_in_a_code_block_is_evidence(tmp_path: Path) -> None:
    rows = "".join(f"{seed},{a},{b}\n" for seed, (a, b) in enumerate(zip(BASELINE, MUON, strict=True)))
    text = f"```csv\nseed,baseline,muon\n{rows}```\n\nThe mean of muon is @.\n"
    assert accusations(check_report(text.replace("@", "0.4158"))) == []
    assert len(accusations(check_report(text.replace("@", "0.4258")))) == 1
