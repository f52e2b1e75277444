"""Age and gender from a face: heads on the frozen strong network, off unless asked for."""
