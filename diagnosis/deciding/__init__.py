"""From the line where values become or leave a tensor back to the line that decides them, by the syntax tree alone.

`program.py` what a repo defines under which name, `steps.py` where the value of one expression comes from, `walk.py` all
that flows into an expression, nearest first, `properties.py` which syntax decides which property, `decide.py` the lines for
a finding.
"""
