"""A collection of people in, a trained and calibrated model out.

``recipes`` are whole ways from people to a model, ``fit`` trains a network, ``checkpoints`` lets a
killed training resume, ``head`` turns distances into probabilities.
"""
