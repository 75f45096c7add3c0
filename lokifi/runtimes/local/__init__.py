"""The embedded runtime: plain processes on this machine."""
