"""How fast a local model reads and writes a deliberation: as a batch, and one by one.

    PYTHONPATH=.:store:retrievers python benchmarks/local_model.py            # a GPU with 40 GB
    PYTHONPATH=.:store:retrievers python benchmarks/local_model.py --size tiny --device cpu

The model has the shape of Qwen2.5-7B and random weights, made on the device, so nothing is downloaded; torch and
transformers are all it needs. Ten prompts of about 2,500 tokens are continued by 200 each.

Prints a Markdown table (`--json`: the same as JSON). Utilisation is the floating-point work of reading, against what a
large matrix product reaches on this device in the same number format.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

from memsvc.models.local.engine import Engine
from memsvc.models.local.shapes import Row

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = {
    # https://huggingface.co/Qwen/Qwen2.5-7B-Instruct/blob/main/config.json
    "7b": {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "max_position_embeddings": 32_768,
    },
    "tiny": {
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32_768,
    },
}


@dataclass(frozen=True)
class Workload:
    """Prompts of `length` tokens, give or take a tenth; `reply` more each."""

    prompts: int
    length: int
    reply: int

    def rows(self, vocabulary: int, max_tokens: int) -> list[Row]:
        """The same random tokens at every call."""
        draw = random.Random(0)
        lengths = [round(self.length * draw.uniform(0.9, 1.1)) for _ in range(self.prompts)]
        return [Row(tuple(draw.choices(range(vocabulary), k=length)), max_tokens=max_tokens) for length in lengths]


@dataclass(frozen=True)
class Result:
    """One way of running the workload. Seconds are the best of the repeats; the rates follow from them."""

    way: str
    read_seconds: float
    whole_seconds: float
    read_tokens_per_second: float
    written_tokens_per_second: float
    read_utilisation: float


def engine(size: str, device: str) -> Engine:
    """A model that never ends a reply by itself; bfloat16 on a GPU, float32 on the CPU."""
    config = Qwen2Config(**SIZES[size], bos_token_id=None, eos_token_id=None, tie_word_embeddings=False)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    return Engine(model, byte_tokenizer(), name=f"random {size}")


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte. Prompts are made of tokens here, so it only has to turn replies into some text."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(sorted(alphabet))}, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def matmul_rate(device: str, dtype: torch.dtype) -> float:
    """FLOP/s of the best of ten square matrix products."""
    side = 1024 if device == "cpu" else 8192
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / min(seconds(lambda: left @ right) for _ in range(10))


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, the device's work included."""
    synchronise()
    start = perf_counter()
    work()
    synchronise()
    return perf_counter() - start


def synchronise() -> None:
    """Waits for the GPU where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def reading_work(model: Any, lengths: list[int]) -> float:
    """Floating-point operations to read prompts of these lengths: 2 a weight and token, and 4 a hidden unit, layer, and
    pair of tokens of which one sees the other. The vocabulary's matrices are left out: they are used for the last
    tokens only. So is padding: it is no work that was wanted.
    """
    config = model.config
    aside = {id(layer.weight) for layer in (model.get_input_embeddings(), model.get_output_embeddings())}
    weights = sum(each.numel() for each in model.parameters() if id(each) not in aside)
    pairs = sum(length**2 / 2 for length in lengths)
    return float(2 * weights * sum(lengths) + 4 * config.num_hidden_layers * config.hidden_size * pairs)


def measure(made: Engine, workload: Workload, rate: float, repeats: int) -> list[Result]:
    """Each way once to warm up, then `repeats` times."""

    def batch(rows: list[Row]) -> None:
        written: list[int] = []
        made.generate(rows, lambda _, reply: written.append(reply.completion_tokens))
        assert written == [row.max_tokens for row in rows]

    def one_by_one(rows: list[Row]) -> None:
        for row in rows:
            batch([row])

    ways: dict[str, Callable[[list[Row]], None]] = {"batch": batch, "one by one": one_by_one}
    vocabulary = made.model.config.vocab_size
    first, whole = (workload.rows(vocabulary, tokens) for tokens in (1, workload.reply))
    lengths = [len(row.prompt) for row in first]
    results = []
    for way, run in ways.items():
        run(first)
        read = min(seconds(lambda run=run: run(first)) for _ in range(repeats))
        total = min(seconds(lambda run=run: run(whole)) for _ in range(repeats))
        results.append(
            Result(
                way=way,
                read_seconds=read,
                whole_seconds=total,
                read_tokens_per_second=sum(lengths) / read,
                written_tokens_per_second=workload.prompts * (workload.reply - 1) / (total - read),
                read_utilisation=reading_work(made.model, lengths) / read / rate,
            )
        )
    return results


def table(results: list[Result], workload: Workload, rate: float, made: Engine) -> str:
    """Markdown; times faster than one by one in the last column."""
    slowest = results[-1].whole_seconds
    lines = [
        f"{made.name} on {made.device}, {str(made.model.dtype).removeprefix('torch.')}: {workload.prompts} prompts of "
        f"about {workload.length:,} tokens, {workload.reply} written each; "
        f"a matrix product reaches {rate / 1e12:.3g} TFLOP/s",
        "",
        "| way | read tokens/s | utilisation | written tokens/s | whole, s | x |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.way} | {each.read_tokens_per_second:,.0f} | {each.read_utilisation:.0%} | "
        f"{each.written_tokens_per_second:,.0f} | {each.whole_seconds:.2f} | {slowest / each.whole_seconds:.1f} |"
        for each in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="7b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--prompts", type=int, default=10)
    parser.add_argument("--length", type=int, default=2500)
    parser.add_argument("--reply", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    workload = Workload(given.prompts, given.length, given.reply)
    made = engine(given.size, given.device)
    rate = matmul_rate(given.device, made.model.dtype)
    results = measure(made, workload, rate, given.repeats)
    shown = {
        "size": given.size,
        "device": given.device,
        "matmul_flops_per_second": rate,
        "workload": asdict(workload),
        "results": [asdict(each) for each in results],
    }
    sys.stdout.write((json.dumps(shown, indent=2) if given.json else table(results, workload, rate, made)) + "\n")


if __name__ == "__main__":
    main()
