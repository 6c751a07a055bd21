"""What people try on a service like this one, each attempt a test."""
