"""Tests. A package, so that ``adapters`` here and ``adapters`` of the project are two names."""
