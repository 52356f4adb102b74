"""Parts of addresses: the number of a row, one that SQLite can have."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class _Row(Convertor[int]):
    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("row", _Row())
