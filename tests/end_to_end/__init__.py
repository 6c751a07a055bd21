"""The gateway as its users meet it: a process of its own over the demonstration repository, asked over a socket."""
