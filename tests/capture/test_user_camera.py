"""Which camera the series reads."""

from __future__ import annotations

from siamlab.capture.user_camera import frame_step, user_camera


def test_user_camera_follows_the_environment(monkeypatch):
    monkeypatch.delenv("SIAMLAB_CAMERA", raising=False)
    assert user_camera().startswith("drawn:") and user_camera() != user_camera(session=2)
    monkeypatch.setenv("SIAMLAB_CAMERA", "0")
    assert user_camera() == "0"


def test_a_folder_is_used_whole_and_a_film_is_not(tmp_path):
    assert frame_step(str(tmp_path)) == 1 and frame_step("drawn") == frame_step(0) == 5
