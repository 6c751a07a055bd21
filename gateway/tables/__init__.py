"""Lists as tables: the same Rows as VOTable, Parquet, Arrow, CSV, ECSV and JSON lines."""

import os

# Arrow's own allocator keeps what each thread gave back, some 40 MB of a long table; the system's does not, and is as fast here. Arrow looks
# when it is imported: nothing that comes before this package imports it.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
