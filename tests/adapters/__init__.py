"""Real Butler repositories, and a judge that compares an adapter's answers with Butler's own."""
