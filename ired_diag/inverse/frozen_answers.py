"""A model's answers, sampled once for all probes that look at the same problems from the same starts.

Of each answer the last two forms are kept (``model.sampler``): what the public sampler returns, and the
estimate it was made of. They are kept as long as the questions about one model with the same weights last.
They are found again by the problems and starts themselves, bit by bit: since a batch has always the same
size (``frozen_set``), a kept answer is to the last bit what sampling again would give.
"""

from __future__ import annotations

import hashlib

from torch import Tensor

from ired_diag.inverse.frozen_set import Solver, solver_of
from ired_diag.model.sampler import INNER_STEPS, Sample
from ired_diag.subject import Subject


class KeptAnswers:
    """What answers problems with a subject's model, and keeps the answers with the subject."""

    def __init__(self, subject: Subject, *, inner_steps: int = INNER_STEPS) -> None:
        """Prepare to sample; what was sampled with the same model before is there already.

        Args:
            subject: The model, and where answers are kept.
            inner_steps: Steps of inner optimisation at each level.
        """
        self._solve: Solver = solver_of(
            subject.energy,
            subject.schedule,
            subject.device,
            inner_steps=inner_steps,
        )
        self._subject = subject
        self._inner_steps = inner_steps

    def sampled(self, problem: Tensor, start: Tensor) -> Sample:
        """Return answers with all their trajectory, sampled now; their last forms are kept.

        Args:
            problem: Problems, of shape (count, dim).
            start: Where sampling starts, of the same shape.
        """
        answers = self._solve(problem, start)
        # In the type that they were computed in, which takes half the memory and loses nothing.
        dtype = self._subject.schedule.betas.dtype
        last = Sample(answers.answer.to(dtype), answers.trajectory[-1:].to(dtype))
        # The energy is held with them: as long as it lives, nothing else has its identity.
        self._subject.kept[self._key(problem, start)] = (self._subject.energy, last)
        return answers

    def last(self, problem: Tensor, start: Tensor) -> Sample:
        """Return answers with the end of their trajectory alone: those that are kept, else sampled now.

        Args:
            problem: Problems, of shape (count, dim).
            start: Where sampling starts, of the same shape.
        """
        kept = self._subject.kept.get(self._key(problem, start))
        if not isinstance(kept, tuple):
            answers = self.sampled(problem, start)
            return Sample(answers.answer, answers.trajectory[-1:])
        _, last = kept
        return Sample(last.answer.double(), last.trajectory.double())

    def _key(self, problem: Tensor, start: Tensor) -> tuple[object, ...]:
        digest = hashlib.blake2b(digest_size=16)
        for tensor in (problem, start):
            digest.update(tensor.contiguous().numpy().tobytes())
        return ("answers", id(self._subject.energy), self._inner_steps, digest.digest())
