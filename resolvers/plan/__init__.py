"""Answers by plan: a document is worked out once, and then each level of its answer is asked and written for all its objects together.

The ordinary executor visits every field of every object; a plan visits every field of the document, with a column of objects. Where anything is out
of the ordinary - an error, a null where none may be, a value that a scalar refuses - it gives up (``Unplanned``), and the ordinary
executor answers from what has been fetched so far.
"""

from . import kin, nouns, rows  # noqa: F401  they tell their frames
from .execution import execute
from .plan import Plans
from .run import Written

__all__ = ["Plans", "Written", "execute"]
