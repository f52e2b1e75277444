"""Image files: read in every usual form, written all or nothing."""
