"""What an answer is, and how it is checked. Needs no torch."""

from graphllm.answer.abstention import Abstention, Reason
from graphllm.answer.answer import Alternative, Answer, PlanPrint, Usage
from graphllm.answer.citation import Citation, cite, cited_subgraph
from graphllm.answer.draft import Claim, Draft
from graphllm.answer.history import Turn
from graphllm.answer.verify import Verdict, Verified, verify

__all__ = [
    "Abstention",
    "Alternative",
    "Answer",
    "Citation",
    "Claim",
    "Draft",
    "PlanPrint",
    "Reason",
    "Turn",
    "Usage",
    "Verdict",
    "Verified",
    "cite",
    "cited_subgraph",
    "verify",
]
