-- Butler's validity ranges are exclusion constraints over names and times together.
CREATE EXTENSION IF NOT EXISTS btree_gist;
