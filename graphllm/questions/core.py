"""What a question says, before it is put in a style."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Core:
    """What a question says, before it is put in a style; without capital and mark.

    Attributes:
        direct: "which ports does Arbel call at".
        indirect: "which ports Arbel calls at"; empty when it cannot be turned.
        wanted: A noun phrase for what is asked for: "the ports that Arbel calls at"; may be empty.
        keywords: Without articles and verbs; may be empty.
        is_list: What is asked for are several things, which can be listed.
    """

    direct: str
    indirect: str = ""
    wanted: str = ""
    keywords: str = ""
    is_list: bool = False
