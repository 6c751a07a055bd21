"""Datasets as rows of ObsCore 1.1 (IVOA Observation Data Model Core Components), as Rubin's own exporter makes them."""
