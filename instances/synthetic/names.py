"""Made-up Chinese names, each given once."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FIRST = "新荷金玉梅竹兰桂松柳桃莲云月星春秋东南北白青古石长永和安福锦虹枫莺鹤锡葑苏娄胥横"
LAST = "桥塘湖泾浜巷园墩里苑庄渡溪港坊浦泽亭湾"


class Names:
    """
    A shuffled stock of names; none is given twice.

    Parameters
    ----------
    rng
        Source of the order.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        short = [a + b for a, b in product(FIRST, LAST)]
        long = [a + b + c for a, b, c in product(FIRST, FIRST, LAST) if a != b]
        self._stock = [
            *(short[i] for i in rng.permutation(len(short))),
            *(long[i] for i in rng.permutation(len(long))),
        ]
        self._given = 0

    def take(self, count: int) -> list[str]:
        """Return the next ``count`` names."""
        self._given += count
        return self._stock[self._given - count : self._given]
