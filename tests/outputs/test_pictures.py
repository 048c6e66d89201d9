"""The picture of a plan."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from matplotlib import font_manager
from shequ.outputs.pictures import render_map


def _colours(path: Path) -> set[tuple[int, ...]]:
    picture = np.round(matplotlib.image.imread(path)[:, :, :3] * 255).astype(int)
    return {tuple(colour) for colour in picture[::4, ::4].reshape(-1, 3).tolist()}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_picture_shows_what_must_be_split_and_the_new_communities(small_plan, tmp_path, lang):
    """Communities above the thresholds and their new districts have the colours of the legend."""
    render_map(small_plan, tmp_path / "map.png", lang=lang)
    must_be_split, new, kept = (0xE0, 0x7B, 0x39), (0x9F, 0xC9, 0xE4), (0xE9, 0xE7, 0xE1)
    assert {must_be_split, new, kept} <= _colours(tmp_path / "map.png")


def test_picture_without_a_chinese_font_has_no_missing_characters(
    small_plan, tmp_path, monkeypatch
):
    """Words are English and Chinese names are left out; a missing character would warn."""
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    render_map(small_plan, tmp_path / "map.png", lang="zh")
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_picture_leaves_the_settings_of_matplotlib_alone(small_plan, tmp_path):
    """No setting of matplotlib differs after a picture was written."""
    before = dict(mpl.rcParams)
    render_map(small_plan, tmp_path / "map.png")
    assert dict(mpl.rcParams) == before


def test_plan_without_barriers_and_facilities_is_drawn(small_plan, tmp_path):
    """Layers that a city lacks are left out of map and legend."""
    bare = dataclasses.replace(small_plan, barriers=None, facilities=small_plan.facilities.iloc[:0])
    render_map(bare, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_language_is_refused(small_plan, tmp_path):
    """The message names the language and those that there are, and nothing is written."""
    with pytest.raises(ValueError, match="'fr' is not known"):
        render_map(small_plan, tmp_path / "map.png", lang="fr")
    assert not (tmp_path / "map.png").exists()
