"""Everything that knows a model library: embedders, served language models, local ones."""
