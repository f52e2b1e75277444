"""Frames in, a person's images out: cameras, the newest frame, and the capture of faces.

``cameras`` opens whatever gives frames, ``stream`` reads one in a thread and keeps its newest frame,
``session`` saves the faces that it shows, ``user_camera`` says which camera the series reads.
"""
