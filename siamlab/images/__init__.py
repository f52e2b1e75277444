"""Image files: reading all common formats, writing completely or not at all."""
