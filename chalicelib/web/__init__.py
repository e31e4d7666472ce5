"""The pages: one blueprint per surface; each handler parses, calls one use case, maps the result."""
