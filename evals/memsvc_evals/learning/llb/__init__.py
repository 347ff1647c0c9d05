"""LifelongAgentBench's database tasks as an environment, and an agent without a language model that works in it.

`tasks` reads them and `database` runs statements in SQLite and rewards them; `reading`, `tail`, `statement` and
`adapting` are the agent's skill, `policy` its decisions, and `study` what is measured.
"""
