"""Input that means harm: frames and signals made from valid ones and from nothing, and who survives them.

No scenario: what a target survives is shown by many inputs, and judged by the command `fuzz`.
"""
