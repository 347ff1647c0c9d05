"""A causal language model of transformers on torch that continues a batch of chats.

Needs torch and transformers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from memsvc.models.local.shapes import ModelUnusable, OutOfMemory, PromptTooLong, Reply, Row, halves, plan, repeats
from memsvc.models.local.steering import Constrained, Drawn, Ended, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memsvc.models.local.shapes import Request
    from memsvc.models.local.steering import Grammars
    from memsvc_retrievers.errors import ModelError

# Rows x padded length of one batch on the CPU, where wider batches gain nothing any more.
CPU_BUDGET = 32_768
# The share of the free GPU memory that a batch may be planned to take: the estimate leaves out fragmentation and masks.
GPU_SHARE = 0.5


class Engine:
    """A loaded model with its tokenizer. One thread at a time.

    Args:
        model: a transformers causal language model, on its device, in evaluation mode. The engine takes it over: of
            its generation settings only the ends of a reply and `top_p` are kept.
        tokenizer: its tokenizer.
        name: what errors call it.
        budget: rows x (prompt + reply) tokens of one batch; what the device's free memory allows when None.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str, budget: int | None = None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.device: torch.device = model.device
        self.context: int = model.config.get_text_config().max_position_embeddings
        self.stops = stop_tokens(model, tokenizer)
        self.top_p = 1.0 if model.generation_config.top_p is None else model.generation_config.top_p
        # `generate` takes from here whatever a call leaves open, such as the repetition penalty of Qwen2.5 (1.05).
        model.generation_config = GenerationConfig()
        self._budget = budget
        self._grammars: Grammars | None = None

    def read(self, request: Request, *, cancelled: Callable[[], bool]) -> Row:
        """The request in this model's tokens, with its reply cut to what the context window leaves.

        Raises:
            PromptTooLong: the chat fills the context window.
            ModelUnusable: the tokenizer has no chat template, or its template refuses these messages.
            UnsupportedSchema: decoding cannot be constrained to the schema.
            MissingDependency: llguidance is not installed, and there is a schema.
        """
        prompt = self._tokens(request)
        room = self.context - len(prompt)
        if room < 1:
            raise PromptTooLong(
                f"The prompt has {len(prompt)} tokens, the context window of {self.name!r} {self.context}: "
                "send less, or choose a model with a longer window."
            )
        if request.schema is not None:
            self.grammars.matcher(request.schema)
        return Row(
            prompt=tuple(prompt),
            max_tokens=min(request.max_tokens, room),
            temperature=request.temperature,
            top_p=self.top_p if request.top_p is None else request.top_p,
            seed=request.seed,
            schema=request.schema,
            cancelled=cancelled,
        )

    def generate(self, rows: Sequence[Row], settle: Callable[[int, Reply | ModelError], None]) -> None:
        """Calls `settle` with each row's place and its reply, as soon as it is done; cancelled rows are left out.

        Greedy replies don't depend on what else is in the batch, up to the rounding of the device's arithmetic;
        neither do sampled ones, which follow from the seed (equal rows of one call differ).
        A batch that doesn't fit is halved; a row that doesn't fit alone gives `OutOfMemory`.
        """
        numbers = repeats(rows)
        waiting = plan(rows, self.budget(), self.context)
        while waiting:
            left = self._write(
                [
                    Written(place, row, numbers[place], self.grammars.matcher(row.schema) if row.schema else None)
                    for place in waiting.pop(0)
                    if not (row := rows[place]).cancelled()
                ],
                lambda written: settle(written.place, self._reply(written)),
            )
            if not left:
                continue
            # Only here nothing holds the failed pass's tensors any more.
            torch.cuda.empty_cache()
            if len(left) > 1:
                waiting[:0] = halves(left)
            else:
                settle(left[0], self._does_not_fit(rows[left[0]]))

    def budget(self) -> int:
        """Rows x tokens of one batch that should fit now."""
        if self._budget is not None:
            return self._budget
        if self.device.type != "cuda":
            return CPU_BUDGET
        # What torch holds for reuse counts as free, too.
        kept = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        free = torch.cuda.mem_get_info(self.device)[0] + kept
        return int(GPU_SHARE * free / bytes_per_token(self.model))

    @property
    def grammars(self) -> Grammars:
        """The compiled schemas; llguidance is imported here, by the first schema."""
        if self._grammars is None:
            from memsvc.models.local.steering import Grammars

            vocabulary = self.model.get_output_embeddings().weight.shape[0]
            self._grammars = Grammars(self.tokenizer, vocabulary, self.stops)
        return self._grammars

    def _harmless(self, messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        """The chat with the model's own marks broken up: a stored text that says `<|im_end|>` must not end its turn."""
        marks = [mark for mark in self.tokenizer.all_special_tokens if len(mark) > 1]
        broken = []
        for message in messages:
            content = message["content"]
            for mark in marks:
                content = content.replace(mark, f"{mark[0]} {mark[1:]}")
            broken.append({**message, "content": content})
        return broken

    def _tokens(self, request: Request) -> list[int]:
        """The one border where a chat template's errors become ours."""
        try:
            # A model that can think aloud shall not: its reply is what was asked for, and nothing before it.
            chat = self.tokenizer.apply_chat_template(
                self._harmless(request.messages), add_generation_prompt=True, tokenize=False, enable_thinking=False
            )
        except Exception as error:
            raise ModelUnusable(
                f"The chat template of {self.name!r} cannot write these messages ({type(error).__name__}: {error}): "
                "choose a model that was trained for chats with a system message ('instruct')."
            ) from error
        tokens: list[int] = self.tokenizer(chat, add_special_tokens=False, verbose=False)["input_ids"]
        return tokens

    def _write(self, batch: Sequence[Written], settle: Callable[[Written], None]) -> list[int]:
        """Writes the rows of one batch; the places of those that were under way when the memory was full."""
        if not batch:
            return []
        prompts = [written.row.prompt for written in batch]
        width = max(map(len, prompts))
        processors = LogitsProcessorList([Drawn(batch)])
        if any(written.matcher is not None for written in batch):
            processors.insert(0, Constrained(batch, self.grammars))
        try:
            self.model.generate(
                # Padding is masked, so any token will do.
                input_ids=self._tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]),
                attention_mask=self._tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]),
                generation_config=GenerationConfig(
                    do_sample=False, max_new_tokens=max(written.row.max_tokens for written in batch)
                ),
                logits_processor=processors,
                stopping_criteria=StoppingCriteriaList([Ended(batch, self.stops, settle)]),
            )
        except torch.OutOfMemoryError:
            return [written.place for written in batch if not written.done]
        return []

    def _tensor(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(rows, device=self.device)

    def _reply(self, written: Written) -> Reply | ModelError:
        if written.error is not None:
            return written.error
        text = self.tokenizer.decode(written.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Reply(text, len(written.row.prompt), len(written.tokens), written.finish_reason)

    def _does_not_fit(self, row: Row) -> OutOfMemory:
        return OutOfMemory(
            f"A prompt of {len(row.prompt)} tokens with up to {row.max_tokens} of reply does not fit into the memory "
            f"that {self.name!r} leaves on {self.device}: send less, or choose a smaller model or another device."
        )


def stop_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a reply: the generation settings' and the tokenizer's own."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)


def bytes_per_token(model: Any) -> int:
    """What one token of a batch takes: keys and values in every layer, and one layer's activations.

    Qwen2.5-7B in bf16: 56 KiB of keys and values, 155 KiB of activations.
    """
    config = model.config.get_text_config()
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cached = 2 * config.num_hidden_layers * config.num_key_value_heads * head
    active = 6 * config.hidden_size + 3 * config.intermediate_size
    return int((cached + active) * model.dtype.itemsize)
