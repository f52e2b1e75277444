"""Networks: the embedding, the Siamese model around it, the file both are kept in, and its export.

``koch`` and ``compact`` are embedding networks, ``siamese`` joins two towers of one, ``saving``
reads and writes the file, ``metadata`` is what the file says about the model, ``exported`` runs
it without Keras.
"""
