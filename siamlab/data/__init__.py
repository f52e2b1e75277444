"""Collections of people's images, pairs of them, and tensors for training.

In the order of use: ``collections`` of people (``lfw``, ``omniglot``, ``synthetic``), ``splits``
by person, ``pairs``, ``augmentation``, and ``pipeline`` and ``batches`` for training.
"""
