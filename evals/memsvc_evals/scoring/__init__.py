"""What an answer is worth: text measures, intervals, tests between systems, rescoring of anybody's predictions."""
