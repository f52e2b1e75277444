"""A frame and a name in, a verdict out; also everybody's name, and a running camera."""
