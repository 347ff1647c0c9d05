"""Does memory learn? Experiments without a language model, each seeded, over epochs and arms, with intervals.

`loop` runs agents x seeds x rounds of tasks in any `Environment`: `planted` (episodes that help or mislead),
`poisoning` (one client lies), `llb` (database tasks that are really run) and `babyai` (levels of minigrid).
`feedback_locomo` rewards conversation memories, `offpolicy` estimates from a log what was never run, and `study` is
what each of them gives. They reach memory through its public verbs alone. Nothing here prints.
"""
