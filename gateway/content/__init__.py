"""The content of a dataset over HTTP: the stored file as it is, or a table or structure in another form."""
