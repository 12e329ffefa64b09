"""The rows that two data sets share, in every format."""
