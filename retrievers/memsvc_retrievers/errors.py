"""What a model can do wrong: the branch of the error tree that slow reading has to tell apart.

MemsvcError                 (the trunk is drawn in `memsvc_store.errors`)
├── ModelError              a model that memsvc relies on failed
│   ├── ModelUnavailable    not reached, too slow, or failing, also after the retries
│   ├── ModelRefused        it answered that it will not, such as to a prompt that is too long
│   │   └── ModelInaccessible   nor to any other: bad key, unknown model, wrong address
│   └── InvalidReply        its reply cannot be read, also after the repairs
└── Cancelled               the caller stopped it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_store.errors import MemsvcError

if TYPE_CHECKING:
    from memsvc_retrievers.ledger import Ledger


class ModelError(MemsvcError):
    """A model that memsvc relies on failed. `ledger` holds what the question had cost until then, if one was asked."""

    ledger: Ledger | None = None


class ModelUnavailable(ModelError):
    """The model was not reached, was too slow, or kept failing."""


class ModelRefused(ModelError):
    """The model's server answered that it will not do this, such as a prompt that is too long."""


class ModelInaccessible(ModelRefused):
    """The model's server does nothing for this caller: bad key, unknown model, wrong address."""


class InvalidReply(ModelError):
    """The model's reply cannot be read as what was asked for, also after the repairs."""


class Cancelled(MemsvcError):
    """The caller stopped the work before it was done; nothing of it was stored."""
