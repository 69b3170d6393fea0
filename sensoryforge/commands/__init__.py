"""What a shell can ask for, and how a command ends.

``cli`` is the command ``sensoryforge``; ``hydra_app`` is ``python -m sensoryforge.run``, whose
words ``command_line`` reads and rewrites, whose sweeps ``sweep_jobs`` prepares, and whose
directories ``directories`` names; ``train`` is ``python -m sensoryforge.train``. ``console`` writes
lines and turns errors into exit codes.
"""
