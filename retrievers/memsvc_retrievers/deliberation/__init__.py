"""Full deliberation: the whole `log`, read again by `scan` (D-Mem) or by a `working_memory` (HGMem)."""
