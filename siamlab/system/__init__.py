"""What the machine gives: files, archives, downloads, OpenCV, Keras, and what is installed."""
