"""What a person before the camera sees: pictures with verdicts, a window, the notebooks' panels."""
