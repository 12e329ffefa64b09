"""Trunks over word vectors that are trained with the rest: ``lstm``, ``cnn``, ``mlp-tokens``.

W's models of the sentiment tasks (appendix B.2): the embedding layer and the trunk are shared, each
task has a head of its own, and the alignment matrix of a task is between the two. Runs of one
shape are stacked on a leading axis, as with frozen vectors (``chunk``); what differs is that rows
are texts of different lengths (``packing``) and that an update moves only the word vectors of its
batch (``table``).
"""
