"""DataLink 1.1 (IVOA): what belongs to a dataset, as links that clients follow without knowing Butler.

The document of an identifier has the dataset's own file (``#this``), its cutouts (``#cutout``), what can be used with it (``#flat``, ``#bias``,
``#dark``, ``#calibration``), and what executions recorded of it (``#progenitor``, ``#derivation``, ``#coderived``).
"""
