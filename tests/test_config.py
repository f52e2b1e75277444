"""Where the workspace's folders are."""

from __future__ import annotations

from pathlib import Path

from siamlab.config import default_cache


def test_the_cache_is_in_the_data_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    assert default_cache() == tmp_path / "cache"
