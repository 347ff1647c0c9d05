"""The room of values: plain frozen ones, ignorant of where they are kept, and the rules for text and time.

memories           messages, memories, episodes, sessions, and the steps of their lives
drafts             what is to be written, and the receipt of what became of it
hits, jobs         what a look-up is asked and gives; work that is done later
learned            traces, feedback, utilities and their moves
erasure_receipts   what is to be erased, and the signed receipt that it was
document           any of them as JSON can hold it
scripts            one form for all spellings of a text, and what a word is, in any script
text, nodes        words, terms and questions of a text; the hyperedge that follows from it
clock, patterns    points in time; which namespaces a pattern covers
where              conditions on metadata, and what they mean
"""
