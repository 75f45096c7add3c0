"""Which parts and jobs each noun of the file makes; one module a noun, the same names as in `model` and `targets`."""
