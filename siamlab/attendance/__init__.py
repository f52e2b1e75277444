"""The attendance register: who was where when, confirmed by the camera, corrected by a person."""
