"""taskaff: will adding this data set to a multi-task mix help or hurt?"""

__version__ = "0.1.0"
