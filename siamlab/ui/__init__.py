"""What the person at the camera sees: frames with verdicts, a window, the notebooks' panels."""
