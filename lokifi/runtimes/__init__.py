"""The only branch that changes the world: each observes a stack and applies steps."""
