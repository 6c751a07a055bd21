"""Lists as tables: the same Rows as VOTable, Parquet, Arrow, CSV, ECSV and JSON lines."""
