"""What other people's harnesses expect of a memory backend; `catalogue` says how each is put in."""

from memsvc_evals.adapters.catalogue import ADAPTERS, Adapter, Step, adapter

__all__ = ["ADAPTERS", "Adapter", "Step", "adapter"]
