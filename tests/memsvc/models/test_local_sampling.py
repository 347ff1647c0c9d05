"""The next token of every row."""

from __future__ import annotations

from collections import Counter

import pytest

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")

from memsvc.models.local.sampling import choose  # noqa: E402

PROBABILITIES = (0.1, 0.5, 0.15, 0.25)
LOGITS = torch.tensor([PROBABILITIES]).log()


def drawn(temperature: float, top_p: float, *, draws: int = 2000) -> dict[int, float]:
    """How often each token is taken when the draws are spread evenly over [0, 1)."""
    tokens = choose(
        LOGITS.expand(draws, -1), [temperature] * draws, [top_p] * draws, [at / draws for at in range(draws)]
    )
    return {token: count / draws for token, count in Counter(tokens.tolist()).items()}


def test_at_temperature_one_tokens_come_as_often_as_they_are_likely() -> None:
    assert drawn(1.0, 1.0) == pytest.approx(dict(enumerate(PROBABILITIES)), abs=0.002)


def test_temperature_sharpens_by_its_power() -> None:
    squared = [p**2 for p in PROBABILITIES]
    wanted = {token: weight / sum(squared) for token, weight in enumerate(squared)}
    assert drawn(0.5, 1.0) == pytest.approx(wanted, abs=0.002)


def test_the_nucleus_ends_with_the_token_that_reaches_top_p() -> None:
    assert drawn(1.0, 0.6) == pytest.approx({1: 2 / 3, 3: 1 / 3}, abs=0.002)
    assert drawn(1.0, 1e-9) == {1: 1.0}


def test_rows_are_chosen_each_by_its_own_settings() -> None:
    tokens = choose(LOGITS.expand(3, -1), [0.0, 1.0, 1.0], [1.0, 1.0, 0.6], [0.999, 0.999, 0.999])
    assert tokens.tolist() == [1, 0, 3]


def test_a_forbidden_token_is_never_drawn() -> None:
    forbidden = LOGITS.masked_fill(torch.tensor([[False, True, True, False]]), float("-inf"))
    edges = [0.0, 0.3, 0.9, 1.0 - 2**-53]
    assert set(choose(forbidden.expand(4, -1), [1.0] * 4, [1.0] * 4, edges).tolist()) == {0, 3}
