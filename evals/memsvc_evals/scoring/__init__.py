"""What an answer is worth: text measures, intervals, tests between systems, and the rescoring of anybody's predictions."""
