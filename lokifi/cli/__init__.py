"""The command line: arguments in, flow called, report printed, exit code out."""
