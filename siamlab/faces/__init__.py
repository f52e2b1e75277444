"""An image in, a face out: detectors, crops, and the quality of a crop."""
