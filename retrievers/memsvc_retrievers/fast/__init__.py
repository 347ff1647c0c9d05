"""The fast look-up: `question` is taken apart, `walk` goes through the graph, `fusion` adds up the scores of `ranking`,
and `relevance` says how likely a hit bears on the question. `episodic` finds episodes.
"""
