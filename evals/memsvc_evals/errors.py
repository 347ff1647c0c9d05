"""What can go wrong in a measurement (the trunk of the tree is drawn in `memsvc_store.errors`).

MemsvcError
├── ...                        everything of the service
├── DatasetError (ValueError)  a data set cannot be used: names the file, the place, the value and what was wanted
└── MeasurementError           a measurement could not be taken as it was meant, so no number is given
"""

from __future__ import annotations

from memsvc.errors import MemsvcError

__all__ = ["DatasetError", "MeasurementError", "MemsvcError"]


class DatasetError(MemsvcError, ValueError):
    """A data set that cannot be used; the message names file, place, value and what was wanted."""


class MeasurementError(MemsvcError):
    """A measurement that could not be taken as it was meant; a wrong number would be worse than none."""
