"""The stages in order, one file a verb; every command and the Python API come through here.

``inspect``    data
``profile``    data -> embed -> signature
``score``      signatures -> score -> predict
``probe``      data -> embed -> probe (-> predict)
``check``      signatures -> score -> predict (or probe) -> gate
``overlap``    data, twice
``merge``      signatures -> signature
``atlas/``     many probes -> what predictions are made from

A *source* is anything that ``DataRequest.source`` may be, or a stored signature (``*.taskaff``),
which needs no rows.
"""
