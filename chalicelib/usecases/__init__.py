"""What the program does, one function per verb: load, decide (pure), write conditionally, emit."""
