"""From the line where values become or leave a tensor back to the line that decides them, by the syntax tree alone.

`program.py` what a repo defines under which name, `instances.py` which class a name holds an instance of, `walk.py` all that
flows into an expression, nearest first, `running.py` which code training runs, `properties.py` and `targets.py` which syntax
decides which property of ids, `by_line.py` which code is sought from its whole line (`numbers.py`, `masks.py`, `around.py`),
`decide.py` the lines for a finding.
"""
