"""Saved results: answers that were frozen as tables of their own, on disk, for the caller who saved them.

``settings`` what can be configured, ``record`` what is known of one result, ``folder`` the files of all of them, ``frozen`` one table's,
``jobs`` what is being frozen now, ``words``, ``condition`` and ``statement`` the expressions that select rows, ``engine`` who answers them,
``service`` what the resolvers ask.
"""
