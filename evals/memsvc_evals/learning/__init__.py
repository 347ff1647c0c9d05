"""Does memory learn? Four experiments without a language model, each seeded, over epochs and arms, with intervals.

`planted` (episodes that help or mislead), `feedback_locomo` (conversation memories), `llb` (database tasks that are
really run) and `poisoning` (one client lies). They reach memory through its public verbs alone. Nothing here prints.
"""
