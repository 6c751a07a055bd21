"""What the command ``explain`` tells of one document: its plan, the questions it asked, and what each of them cost."""
