"""An image in, a face out: where it is, how it is cut, and how good the cut-out is."""
