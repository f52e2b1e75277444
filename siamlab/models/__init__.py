"""Networks: the embedding, the Siamese model around it, its file, and its export.

``koch`` and ``compact`` are embedding networks, ``siamese`` joins two towers of one, ``saving``
reads and writes the model file, ``metadata`` describes the model in it, ``exported`` runs it
without Keras.
"""
