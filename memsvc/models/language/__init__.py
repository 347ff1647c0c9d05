"""Language models over LiteLLM: batches, structured replies, retries."""
