"""Frames in, a person's images out.

``cameras`` opens a source of frames, ``stream`` reads one in a thread and keeps the newest frame,
``session`` saves the faces in it, ``who`` keeps whose.
"""
