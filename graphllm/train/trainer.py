"""One loop for everything that is trained: one process or several, resumable at any step."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch

from graphllm.errors import ConfigError, DataError, TrainingError
from graphllm.train import checkpoint as disk
from graphllm.train.attention import plain_attention
from graphllm.train.checkpoint import Tensors, TrainState
from graphllm.train.interrupts import Interrupts
from graphllm.train.random_states import kept_random_states, random_states, restore_random_states
from graphllm.train.settings import TrainSettings

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Batches", "Progress", "TrainSettings", "Trained", "train"]

E = TypeVar("E")
B = TypeVar("B")
E_co = TypeVar("E_co", covariant=True)
_RECENT = 50  # steps that the rate is measured over


@runtime_checkable
class Batches(Protocol[E_co]):
    """Batches by the number of their step: what comes next follows from nothing else."""

    @property
    def per_epoch(self) -> int:
        """How many batches hold every example once."""

    def __getitem__(self, step: int) -> Sequence[E_co]:
        """Return the examples of a step, counted from 0."""


class Progress(NamedTuple):
    """What is told after each step.

    Attributes:
        step: How many are done.
        num_steps: How many there are.
        loss: Of this step's batch.
        seconds: Since this run began.
        learning_rate: Of this step.
        norm: Of the gradient, before it was cut.
        examples_per_s: Over the last steps.
        tokens_per_s: The same; 0 where nobody counts tokens.
        seconds_left: At the pace of the last steps.
        measured: What validation returned, when it came after this step.
    """

    step: int
    num_steps: int
    loss: float
    seconds: float
    learning_rate: float = 0.0
    norm: float = 0.0
    examples_per_s: float = 0.0
    tokens_per_s: float = 0.0
    seconds_left: float = 0.0
    measured: Mapping[str, float] | None = None


class Trained(NamedTuple):
    """What a training came to.

    Attributes:
        num_steps: That were done.
        measured: What validation returned for the weights that the module has now.
        best_step: The step they are of.
        is_early: Whether patience ended it.
    """

    num_steps: int
    measured: Mapping[str, float] | None
    best_step: int
    is_early: bool


def train(
    module: torch.nn.Module,
    loss_of: Callable[[torch.nn.Module, B], torch.Tensor],
    batches: Batches[E],
    settings: TrainSettings,
    *,
    collate: Callable[[Sequence[E]], B],
    weight_of: Callable[[E], float] = lambda _: 1.0,
    tokens_of: Callable[[E], int] = lambda _: 0,
    measure: Callable[[torch.nn.Module], Mapping[str, float]] | None = None,
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
    accelerator: "Accelerator | None" = None,
) -> Trained:
    """Train what requires a gradient in ``module``, in place; it ends in evaluation mode.

    With ``measure`` the module ends with the weights that measured best. An interrupt waits for
    the end of a step, is saved, and raised. What is resumed on the CPU ends bit for bit like what
    was never broken off.

    Several processes (``accelerate launch``) share each batch, so that the result depends on
    neither their number nor on ``accumulate``, as long as ``loss_of`` is a mean over examples.
    FSDP (version 2) follows accelerate's configuration, or the plugin of ``accelerator``.

    Args:
        loss_of: Returns the mean loss of what ``collate`` made; it calls the module it is given.
        collate: Makes tensors of examples; they are moved to the device. ``list`` leaves them.
        weight_of: What an example counts in the mean: 1, or its number of target tokens.
        tokens_of: For the rate that progress shows.
        measure: Validation; random numbers drawn in it change nothing.
        checkpoint: A safetensors file, written now and then, and resumed from when it is there.
        on_step: Called after each step, in the main process.
        accelerator: Where training happens; by default as the environment says.

    Raises:
        DataError: The checkpoint is damaged, or of another module.
        ConfigError: Nothing requires a gradient, or ``measure`` does not return the metric.
        TrainingError: A loss or a gradient is not finite. Nothing is written then.
    """
    from accelerate import Accelerator

    run = _Run(module, settings, accelerator or Accelerator(), checkpoint)
    step = _Step(run, loss_of, batches, collate, weight_of, tokens_of)
    clock = _Clock(run)
    interrupts = Interrupts()
    module.train()
    try:
        with interrupts, plain_attention(module) if settings.precision == "bf16" else nullcontext():
            while run.is_going_on():
                done = step()
                measured = run.measured_by(measure, batches.per_epoch) if measure else None
                if on_step is not None and run.accelerator.is_main_process:
                    on_step(clock.told(done, measured))
                if run.state.step % settings.save_every == 0:
                    run.save()
                if run.any_process(interrupts.asked):
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        if not interrupts.forced:
            run.save()
        raise
    finally:
        module.eval()
    run.save()
    return run.finished()


class _Run:
    """A module in training, its optimizer, and how far it has come."""

    def __init__(
        self,
        module: torch.nn.Module,
        settings: TrainSettings,
        accelerator: "Accelerator",
        checkpoint: Path | None,
    ) -> None:
        from accelerate.utils import set_seed

        set_seed(settings.seed + accelerator.process_index)
        self.settings, self.accelerator, self._path = settings, accelerator, checkpoint
        self.state = TrainState()
        self._best: Tensors = {}
        self._saved = 0
        optimizer = torch.optim.AdamW(_groups(module, settings), betas=settings.betas)
        self.module, self.optimizer = accelerator.prepare(module, optimizer)
        self._inner: torch.nn.Module = accelerator.unwrap_model(self.module)
        self.optimizer.zero_grad()
        if checkpoint is not None:
            self._resume(checkpoint)

    def is_going_on(self) -> bool:
        return self.state.step < self.settings.num_steps and not self.state.is_over

    def any_process(self, claim: bool) -> bool:
        """Whether something holds in any of the processes."""
        if self.accelerator.num_processes == 1:
            return claim
        counted = torch.tensor(float(claim), device=self.accelerator.device)
        return bool(self.accelerator.reduce(counted, "sum"))

    # Validation

    def measured_by(
        self, measure: Callable[[torch.nn.Module], Mapping[str, float]], per_epoch: int
    ) -> dict[str, float] | None:
        """Validate when it is due, and remember the weights when they are the best."""
        state, every = self.state, self.settings.validate_every or per_epoch
        if state.step % every and state.step < self.settings.num_steps:
            return None
        self._inner.eval()
        with kept_random_states(), torch.no_grad():
            found = self._agreed({name: float(of) for name, of in measure(self._inner).items()})
        self._inner.train()
        if self._is_better(found):
            state.best, state.best_step, state.num_worse = found, state.step, 0
            self._best = disk.copied(disk.trainable(self._inner))
        else:
            state.num_worse += 1
            state.is_over = 0 < self.settings.patience <= state.num_worse
        return found

    def _agreed(self, found: dict[str, float]) -> dict[str, float]:
        """Return what the first process found, so that all stop together."""
        from accelerate.utils import broadcast

        if self.accelerator.num_processes == 1:
            return found
        values = torch.tensor(list(found.values()), device=self.accelerator.device)
        return dict(zip(found, broadcast(values).tolist(), strict=True))

    def _is_better(self, found: Mapping[str, float]) -> bool:
        metric, best = self.settings.metric, self.state.best
        if metric not in found:
            raise ConfigError(f"validation returns no {metric!r}; it has {sorted(found)}")
        if best is None or math.isnan(best[metric]):
            return True
        if self.settings.higher_is_better:
            return found[metric] > best[metric]
        return found[metric] < best[metric]

    # On disk

    def save(self) -> None:
        """Write the checkpoint, unless it is there already."""
        if self._path is None or self.state.step == self._saved:
            return
        self._saved = self.state.step
        weights = disk.trainable(self._inner)
        tensors = {
            **disk.named("weight", disk.copied(weights)),
            **disk.named("moment", disk.moments(self.optimizer, weights)),
            **disk.named("best", self._best),
            **disk.named("random", self._random_states()),
        }
        if self.accelerator.is_main_process:
            disk.write_checkpoint(self._path, tensors, self.state)
        self.accelerator.wait_for_everyone()

    def _random_states(self) -> Tensors:
        """Return the states of all processes, a row each."""
        device = self.accelerator.device
        rows = {name: state[None].to(device) for name, state in random_states().items()}
        return {name: self.accelerator.gather(row).cpu() for name, row in rows.items()}

    def _resume(self, path: Path) -> None:
        found = disk.read_checkpoint(path)
        if found is None:
            return
        tensors, self.state = found
        self._saved = self.state.step
        disk.put_trainable(disk.of_kind("weight", tensors), self._inner, str(path))
        weights = disk.trainable(self._inner)
        disk.put_moments(disk.of_kind("moment", tensors), self.optimizer, weights)
        self._best = disk.of_kind("best", tensors)
        rows = disk.of_kind("random", tensors)
        process = self.accelerator.process_index
        if len(next(iter(rows.values()))) != self.accelerator.num_processes:
            raise DataError(
                f"{path}: saved by another number of processes than"
                f" {self.accelerator.num_processes}; go on with as many"
            )
        restore_random_states({name: states[process] for name, states in rows.items()})

    def finished(self) -> Trained:
        """Put the best weights into the module, where validation found them."""
        state = self.state
        if state.best is None:
            return Trained(state.step, None, state.step, False)
        disk.put_trainable(self._best, self._inner, "the best weights")
        return Trained(state.step, state.best, state.best_step, state.is_over)


def _groups(module: torch.nn.Module, settings: TrainSettings) -> list[dict[str, object]]:
    """Return the parameters that decay and those that do not."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    if not parameters:
        raise ConfigError("nothing of this module requires a gradient: there is nothing to train")
    decays = [p.ndim > 1 or settings.decays_vectors for p in parameters]
    sides = [
        ([p for p, does in zip(parameters, decays, strict=True) if does], settings.weight_decay),
        ([p for p, does in zip(parameters, decays, strict=True) if not does], 0.0),
    ]
    return [{"params": some, "weight_decay": decay} for some, decay in sides if some]


class _Done(NamedTuple):
    """A step that was made."""

    num_examples: int
    num_tokens: int
    loss: float
    norm: float
    learning_rate: float


class _Step(Generic[E, B]):
    """Makes a step each time it is called."""

    def __init__(
        self,
        run: _Run,
        loss_of: Callable[[torch.nn.Module, B], torch.Tensor],
        batches: Batches[E],
        collate: Callable[[Sequence[E]], B],
        weight_of: Callable[[E], float],
        tokens_of: Callable[[E], int],
    ) -> None:
        self._run, self._loss_of = run, loss_of
        self._batches, self._collate = batches, collate
        self._weight_of, self._tokens_of = weight_of, tokens_of
        # mixed precision is ours: accelerate's own holds for the whole process
        self._mixed = torch.autocast(
            run.accelerator.device.type, torch.bfloat16, enabled=run.settings.precision == "bf16"
        )

    def __call__(self) -> _Done:
        run = self._run
        examples = self._batches[run.state.step]
        rate = run.settings.rate_at(run.state.step)
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        loss = self._backward(examples)
        norm = run.accelerator.clip_grad_norm_(run.module.parameters(), run.settings.max_norm)
        num_tokens = sum(map(self._tokens_of, examples))
        done = _Done(len(examples), num_tokens, loss, float(disk.whole(norm)), rate)
        self._check(done)
        run.optimizer.step()
        run.optimizer.zero_grad()
        run.state.step += 1
        return done

    def _backward(self, examples: Sequence[E]) -> float:
        """Let the gradients of the batch sum up, and return its loss."""
        accelerator = self._run.accelerator
        parts = self._parts(examples)
        total = sum(map(self._weight_of, examples))
        losses = torch.zeros((), device=accelerator.device)
        for number, part in enumerate(parts, 1):
            share = sum(map(self._weight_of, part)) / total
            some = self._collated(part or examples[:1])  # all processes take part in each part
            with nullcontext() if number == len(parts) else accelerator.no_sync(self._run.module):
                with self._mixed:
                    loss = self._loss_of(self._run.module, some)
                # gradients are averaged over the processes, and should be summed
                accelerator.backward(loss * (share * accelerator.num_processes))
            losses += loss.detach() * share
        return float(accelerator.reduce(losses, "sum"))

    def _parts(self, examples: Sequence[E]) -> list[Sequence[E]]:
        """Return this process's parts of a batch; one is empty when there are too few examples."""
        accelerator = self._run.accelerator
        if not examples:
            raise DataError(f"the batch of step {self._run.state.step + 1} has no example")
        of = accelerator.num_processes
        num = min(self._run.settings.accumulate, -(-len(examples) // of))
        first = range(accelerator.process_index, of * num, of)
        return [examples[place :: of * num] for place in first]

    def _collated(self, part: Sequence[E]) -> B:
        from accelerate.utils import send_to_device

        made = self._collate(part)
        return made if made is part else send_to_device(made, self._run.accelerator.device)

    def _check(self, done: _Done) -> None:
        if math.isfinite(done.loss) and math.isfinite(done.norm):
            return
        self._run.optimizer.zero_grad()
        raise TrainingError(
            f"step {self._run.state.step + 1}: the loss is {done.loss:g} and the norm of its"
            f" gradient {done.norm:g}; the weights are those of the step before, no file was"
            " written; look at the batch of this step, or lower the learning rate"
            f" ({done.learning_rate:g} here)"
        )


class _Clock:
    """Tells how fast training goes."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._began = time.monotonic()
        # when a step ended, and the examples and tokens it had
        self._recent = deque([(self._began, 0, 0)], maxlen=_RECENT + 1)

    def told(self, done: _Done, measured: Mapping[str, float] | None) -> Progress:
        now, state = time.monotonic(), self._run.state
        self._recent.append((now, done.num_examples, done.num_tokens))
        (since, *_), *later = self._recent
        seconds = max(now - since, 1e-9)
        num_steps = self._run.settings.num_steps
        return Progress(
            step=state.step,
            num_steps=num_steps,
            loss=done.loss,
            seconds=now - self._began,
            learning_rate=done.learning_rate,
            norm=done.norm,
            examples_per_s=sum(examples for _, examples, _ in later) / seconds,
            tokens_per_s=sum(tokens for *_, tokens in later) / seconds,
            seconds_left=seconds / len(later) * (num_steps - state.step),
            measured=measured,
        )
