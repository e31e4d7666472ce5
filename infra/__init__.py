"""Everything around the program: packaging, policies, lock files and the local runner."""
