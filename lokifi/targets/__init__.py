"""`render(stack) -> Rendering`: one target a noun, pure; the registry is `registry.TARGETS`."""
