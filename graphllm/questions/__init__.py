"""Questions built from graphs: over invented ones for training, and over the user's own.

``curriculum`` yields invented graphs with questions, ``questions_for`` asks any graph about
itself, and ``negatives`` gives wrong plans beside a right one.
"""

from graphllm.questions.curriculum import HELD_OUT, curriculum, sampler_of
from graphllm.questions.generate import BuiltGraph, generate
from graphllm.questions.lexicon import Lexicon
from graphllm.questions.negatives import Negative, Wrong, negatives
from graphllm.questions.own import lexicon_of, questions_for
from graphllm.questions.question import (
    BuiltQuestion,
    MentionSpan,
    Refusal,
    from_lines,
    to_lines,
)
from graphllm.questions.sampling import WEIGHTS, Sampler
from graphllm.questions.schema import Schema, read_schemas, schemas

__all__ = [
    "HELD_OUT",
    "WEIGHTS",
    "BuiltGraph",
    "BuiltQuestion",
    "Lexicon",
    "MentionSpan",
    "Negative",
    "Refusal",
    "Sampler",
    "Schema",
    "Wrong",
    "curriculum",
    "from_lines",
    "generate",
    "lexicon_of",
    "negatives",
    "questions_for",
    "read_schemas",
    "sampler_of",
    "schemas",
    "to_lines",
]
