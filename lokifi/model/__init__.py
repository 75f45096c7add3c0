"""What a user may write: one module a section of the file, `load` reads it, `schema` publishes it."""
