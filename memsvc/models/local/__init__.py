"""Language models in this process: transformers on torch, behind LiteLLM like any served one."""
