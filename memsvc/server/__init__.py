"""The HTTP service: the verbs of `Memory` under `/v1`. See `docs/service.md`."""
