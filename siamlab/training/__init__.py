"""From a collection of people to a trained and calibrated model.

``recipes`` go the whole way, ``fit`` trains a network, ``settings`` is the argument they share,
``checkpoints`` lets a killed training resume, ``head`` turns distances into probabilities.
"""
