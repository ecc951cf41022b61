"""The table of estimates as people read it: as text, and as HTML in notebooks."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GAP = "  "
LONGEST_NAME = 40


def number(value: float) -> str:
    """Five significant digits, without an exponent where that is short."""
    if not math.isfinite(value):
        return str(float(value))
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.4e}"
    return f"{value:.{_decimals(value, 5)}f}"


def like(value: float, std_error: float) -> str:
    """As many decimals as give the standard error four digits."""
    if not (math.isfinite(value) and math.isfinite(std_error) and std_error > 0.0):
        return number(value)
    decimals = _decimals(std_error, 4)
    if decimals > 6 or max(abs(value), std_error) >= 1e7:
        return f"{value:.4e}"
    return f"{value:.{decimals}f}"


def _decimals(value: float, digits: int) -> int:
    """How many decimals show this many digits."""
    before = math.floor(math.log10(abs(value))) + 1 if value else 1
    return max(0, digits - before)


def probability(value: float) -> str:
    """Three decimals; below that only that it is below."""
    if math.isnan(value):
        return "nan"
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def statistic(value: float) -> str:
    """Two decimals, or three digits where it is large."""
    return "nan" if math.isnan(value) else (f"{value:.2f}" if abs(value) < 1e5 else f"{value:.3g}")


def as_text(
    title: str,
    facts: Sequence[tuple[str, str]],
    table: NDArray[np.void],
    headings: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The table between rules, facts in two columns above it, notes below.

    Parameters
    ----------
    title : str
    facts : sequence of (str, str)
    table : structured array
        As `Estimates.table`.
    headings : sequence of str
        Of the columns from the estimate on.
    notes : sequence of str
    """
    lines = _lines(table)
    name_width = max([len(line[0]) for line in lines] + [0])
    cells = [line[1:] for line in lines if len(line) > 1]
    widths = [max(len(c) for c in column) for column in zip(headings, *cells)]
    total = max(name_width + sum(widths) + len(GAP) * len(widths), _facts_width(facts), len(title))
    name_width += total - (name_width + sum(widths) + len(GAP) * len(widths))
    made = [title.center(total).rstrip(), "=" * total, *_facts(facts, total), "=" * total]
    made += [_row(["", *headings], name_width, widths), "-" * total]
    made += [_row(line, name_width, widths) for line in lines]
    made.append("=" * total)
    for note in notes:
        made += textwrap.wrap(note, total, initial_indent="Note: ", subsequent_indent="      ")
    return "\n".join(made)


def as_html(
    title: str,
    facts: Sequence[tuple[str, str]],
    table: NDArray[np.void],
    headings: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The same as HTML; parameters as in `as_text`, whose left facts come first here."""

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="text-align:{"left" if k == 0 else "right"}">{html.escape(text)}</{tag}>'
            for k, text in enumerate(texts)
        )

    head = "".join(f"<tr>{cells('td', fact)}</tr>" for fact in [*facts[::2], *facts[1::2]])
    body = ""
    for line in _lines(table):
        if len(line) == 1:
            span = len(headings) + 1
            text = html.escape(line[0])
            body += f'<tr><th colspan="{span}" style="text-align:left">{text}</th></tr>'
        else:
            body += f"<tr>{cells('td', line)}</tr>"
    below = "".join(f"<p>Note: {html.escape(note)}</p>" for note in notes)
    return (
        f"<div><p><b>{html.escape(title)}</b></p><table>{head}</table>"
        f"<table><thead><tr>{cells('th', ['', *headings])}</tr></thead>"
        f"<tbody>{body}</tbody></table>{below}</div>"
    )


def _lines(table: NDArray[np.void]) -> list[list[str]]:
    """The cells of each line as text; a class has its name on a line of its own."""
    lines, group = [], None
    grouped = "class" in (table.dtype.names or ())
    for row in table:
        if grouped and row["class"] != group:
            group = row["class"]
            lines.append([str(group)])
        name = str(row["name"])
        name = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."
        lines.append(
            [
                ("  " if grouped else "") + name,
                like(row["estimate"], row["std_error"]),
                like(row["std_error"], row["std_error"]),
                "" if row["untested"] else statistic(row["statistic"]),
                "" if row["untested"] else probability(row["p_value"]),
                like(row["lower"], row["std_error"]),
                like(row["upper"], row["std_error"]),
            ]
        )
    return lines


def _row(line: Sequence[str], name_width: int, widths: Sequence[int]) -> str:
    cells = [cell.rjust(width) for cell, width in zip(line[1:], widths)]
    return GAP.join([line[0].ljust(name_width), *cells]).rstrip()


def _facts_width(facts: Sequence[tuple[str, str]]) -> int:
    *facts, last = facts
    pairs = sum(_widest(half) for half in (facts[::2], facts[1::2])) + 2 * len(GAP)
    return max(pairs, _widest([last]))


def _widest(facts: Sequence[tuple[str, str]]) -> int:
    return max(len(name) + len(text) + 1 + len(GAP) for name, text in facts)


def _facts(facts: Sequence[tuple[str, str]], total: int) -> list[str]:
    """Facts in two columns, names left and values right in each; the last on a line of its own."""
    *facts, last = facts
    left, right = facts[::2], facts[1::2]
    wide = _widest(left) + (total - _widest(left) - _widest(right) - 2 * len(GAP)) // 2
    rest = total - wide - 2 * len(GAP)

    def cell(name: str, text: str, width: int) -> str:
        return f"{name}:" + text.rjust(width - len(name) - 1)

    pairs = [cell(*a, wide) + 2 * GAP + cell(*b, rest) for a, b in zip(left, right)]
    return [*pairs, cell(*last, total)]
