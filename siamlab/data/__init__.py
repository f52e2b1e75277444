"""Who has which images, who is compared with whom, and how files become tensors.

In the data's way: ``collections`` of people (``lfw``, ``omniglot``, ``synthetic``), ``splits`` by
person, ``pairs``, ``augmentation``, and ``pipeline`` and ``batches`` for training.
"""
