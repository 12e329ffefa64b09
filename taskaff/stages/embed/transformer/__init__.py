"""Transformer encoders: ``st:MODEL`` (sentence-transformers folders) and ``hf:MODEL`` (AutoModel).

Only this package and the probe import torch; transformers, tokenizers and the hub's client are
imported here alone, inside functions.
"""
