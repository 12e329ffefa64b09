"""The result of a probe to text and pictures; one module a format, as in ``stages.report``."""
