"""The commands of ``butler-gateway``, one a file. What only one of them needs is imported when it runs."""
