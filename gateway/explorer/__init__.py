"""
The page at `/`: GraphiQL, built from npm, served from here and from nowhere else, with a menu of example queries.

`explorer_routes()` gives the routes, `load_examples()` the examples; `python -m gateway.explorer.build` builds the page.
"""

from gateway.explorer.example import Example, load_examples
from gateway.explorer.site import explorer_routes

__all__ = ["Example", "explorer_routes", "load_examples"]
