"""Tests against a real PostgreSQL and a real Redis, and real processes."""
