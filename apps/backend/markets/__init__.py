"""Markets: the reference application's backend."""
