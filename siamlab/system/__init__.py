"""Files, archives, downloads, OpenCV, Keras, and what is installed on the machine."""
