"""Lightning modules: the simulation as a predict loop, and what hangs on it."""
