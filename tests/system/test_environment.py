"""Installed versions are compared with those that pyproject.toml allows."""

from __future__ import annotations

from importlib import metadata

import pytest

from siamlab.system.environment import check_versions, prepare_devices, version_table


def test_installed_versions_are_found_and_good():
    versions = {version.name: version for version in check_versions()}
    assert versions["numpy"].found == metadata.version("numpy")
    assert versions["numpy"].needed == ">=2.0"
    assert all(version.good for version in versions.values())


def test_old_and_missing_packages_are_not_good(monkeypatch):
    old = {"numpy": "1.26.4"}
    monkeypatch.setattr("siamlab.system.environment._installed", old.get)
    numpy, keras = check_versions(("numpy", "keras"))
    assert not numpy.good and not keras.good and keras.found is None
    lines = str(version_table((numpy, keras))).splitlines()
    assert lines[1].split() == ["numpy", "1.26.4", ">=2.0", "TOO", "OLD", "OR", "MISSING"]
    assert lines[2].split()[:2] == ["keras", "missing"]


def test_headless_opencv_counts_as_opencv(monkeypatch):
    monkeypatch.setattr(
        "siamlab.system.environment._installed", {"opencv-python-headless": "4.12.0.88"}.get
    )
    (opencv,) = check_versions(("opencv-python",))
    assert opencv.good


def test_devices_are_listed():
    pytest.importorskip("tensorflow")
    assert prepare_devices()[0].startswith("CPU: ")
