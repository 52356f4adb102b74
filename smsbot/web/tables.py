"""Files for spreadsheets: what people text is never a formula in them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from starlette.responses import Response

_FORMULA = re.compile(r"(^|[;,\t\r\n]\s*)(?=[=+@\t\r-])")
"""Where a cell may begin that a spreadsheet would run."""


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula, whatever separates its cells."""
    return _FORMULA.sub(r"\1'", str(value))


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """A file with a head and rows of cells, which are written as they are."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(head)
    lines.writerows(rows)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
