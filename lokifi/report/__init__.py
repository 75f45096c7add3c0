"""What people and programs read: the only branch that prints. It decides nothing."""
