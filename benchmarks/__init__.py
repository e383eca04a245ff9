"""What the project is held to, measured: ``python -m benchmarks`` lists the questions. README.md says how to read it.

Not part of the installed package. It measures and prints; only ``--check`` judges.
"""
