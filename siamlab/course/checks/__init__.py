"""What an answer to each exercise must do: a module for each chapter, with its ``CHECKS``."""
