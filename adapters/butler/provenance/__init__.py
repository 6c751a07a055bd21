"""What executions recorded: quanta, and which datasets they read and wrote.

Quantum graphs come from two places: the provenance graphs that repositories hold (dataset type
``run_provenance``, one for each RUN) and files that the configuration names. Each is read once, streamed into
a SQLite database in the state folder and never held in memory; every answer is made of lookups in that
database, whatever the size of the run. ``Provenance`` answers, ``ProvenanceStore`` keeps.
"""

from __future__ import annotations

from .answers import Provenance
from .datasets import RepositoryGraphs, listed_by_questions, listed_by_sql
from .files import GraphFiles
from .store import ProvenanceStore

__all__ = [
    "GraphFiles",
    "Provenance",
    "ProvenanceStore",
    "RepositoryGraphs",
    "listed_by_questions",
    "listed_by_sql",
]
