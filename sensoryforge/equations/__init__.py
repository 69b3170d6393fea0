"""The language that filters and neuron models are written in: equations in, programs out.

==================  ===============================================================================
:mod:`expressions`  the closed grammar: the text of one expression -> a graph of operations
:mod:`graph`        such graphs: nodes, and how to walk and change them
:mod:`reader`       a block as it is written in YAML, section by section, every mistake a line
:mod:`parameters`   numbers, and distributions over neurons
:mod:`block`        a block of equations that was checked whole: a filter or a model
:mod:`elementary`   exp, log, tanh, cos and sin in float32, with the same bits on every machine
:mod:`program`      a block as lists of operations, ordered by how often they must run
:mod:`stepping`     the integration step
:mod:`stiffness`    how fast states decay, and how many steps that takes
==================  ===============================================================================

Nothing here needs torch; :mod:`sensoryforge.simulation.kernels` runs the programs.
"""

from __future__ import annotations

from sensoryforge.equations.block import Block
from sensoryforge.equations.parameters import Distribution, Parameter
from sensoryforge.equations.program import Program
from sensoryforge.equations.reader import Kind
from sensoryforge.equations.stepping import STEP_MS, auto_substeps

__all__ = ["STEP_MS", "Block", "Distribution", "Kind", "Parameter", "Program", "auto_substeps"]
