"""The rules of the product, as pure functions and frozen values.

Nothing here reads a clock, a network, a file or the environment.
"""
