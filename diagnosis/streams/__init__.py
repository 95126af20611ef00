"""What a watched epoch looked up, held against the training log: pure functions of recorded index streams.

`watched.py` the recorded streams, `views.py` one table of ids for each thing that a step looks up, `log.py` the training
log as look-ups, `locating.py` where a row of ids lies in the log, `decoding.py` which ids mean which items and users,
`relations.py` where targets lie relative to inputs, `labels.py` what a pointwise loss is told, `reading.py` all of it for one trial. Findings are probes'
(`diagnosis/probes`).
"""
