"""Questions asked end to end: policies, what they share, the judge, and a run that survives being killed."""
