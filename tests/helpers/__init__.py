"""What several test files share: small settings, runs, datasets, blocks of equations.

blocks        the shipped equations, and drives to run them on
experiments   a small experiment, in both formats
runs          whole runs of it
datasets      real datasets, for the tests of what is done with one
store         made-up datasets, for the tests of how one is kept
warm          processes that have imported torch, Lightning and numba before they start
"""
