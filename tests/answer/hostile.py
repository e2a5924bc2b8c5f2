"""Texts that try to act where they are shown, and an answer that has them everywhere."""

from graphllm.answer import Alternative, Answer, Claim, PlanPrint, cite, cited_subgraph
from graphllm.graph import GraphBuilder

PWN = "window.__pwned=1"
TEXTS = [
    f"</script><script>{PWN}</script>",
    f"</SCRIPT ><script>{PWN}//",
    f"<!--<script>{PWN}</script>-->",
    f"--><script>{PWN}</script>",
    f"]]><script>{PWN}</script>",
    f'"><img src=x onerror={PWN}>',
    f"'><img src=x onerror='{PWN}'>",
    f"<svg onload={PWN}>",
    f"<svg><script>{PWN}</script></svg>",
    f"</title><script>{PWN}</script>",
    f"</textarea></style></noscript><script>{PWN}</script>",
    f'" onmouseover="{PWN}" onfocus="{PWN}" autofocus="',
    f"' onclick='{PWN}' x='",
    f"javascript:{PWN}",
    f"<a href='javascript:{PWN}'>click</a>",
    f"<iframe srcdoc='<script>parent.{PWN}</script>'></iframe>",
    f'<iframe src="javascript:parent.{PWN}"></iframe>',
    "<img src=http://evil.example/x.png>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href='http://evil.example/'>",
    "<form action=http://evil.example><button autofocus>go</button></form>",
    "</style><style>*{background:url(//evil.example/b)}</style>",
    "';}*{background:url(//evil.example/c)}",
    "expression(alert(1)) url(http://evil.example)",
    f"${{{PWN}}} {{{{{PWN}}}}} <%={PWN}%> `${{{PWN}}}`",
    f'\\"; {PWN}; //',
    f"\\u003cscript\\u003e{PWN}\\u003c/script\\u003e",
    f"&lt;script&gt;{PWN}&lt;/script&gt;",
    f"&#60;script&#62;{PWN}&#60;/script&#62;",
    f"\x00<script>{PWN}</script>",
    f"\u2028{PWN}\u2029{PWN}",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "\u202egnp.exe\u2066",
    "__proto__",
    "constructor",
    "$title $script $$ ${body}",
    "%s %(x)s {0} {x}",
    "n0",
    "e0",
    "node[id='n0'], *",
    "\n\n> ok\n",
    "",
    "   ",
    "\U000e0041\U000e0042",
    "a\u0301\u0302\u0303" * 50,
    "X" * 5_000,
    "עברית عربي 中文 हिन्दी 👩‍👩‍👧‍👦",
]


def hostile_answer(texts: list[str] = TEXTS, **changes: object) -> Answer:
    """An answer whose graph, question, text and plan are made of ``texts``, each at every place."""
    builder = GraphBuilder()
    count = len(texts)

    def text(number: int) -> str:
        return texts[number % count]

    for i in range(count):
        builder.node(
            f"{i} {text(i)}",
            name=text(i),
            aliases=[text(i + 1)],
            type=text(i + 2),
            text=text(i + 3),
            attributes={text(i + 4) or "empty": text(i + 5)},
        )
    for i in range(count):
        tail = (i + 1) % count
        about = {text(i + 2) or "empty": text(i + 3)}
        builder.edge(f"{i} {text(i)}", text(i + 1), f"{tail} {text(tail)}", attributes=about)
    graph = builder.build()
    claims = [
        Claim(
            head=graph.names[int(graph.heads[edge])],
            relation=graph.relations[int(graph.relation_ids[edge])],
            tail=graph.names[int(graph.tails[edge])],
            edge=edge,
        )
        for edge in range(graph.num_edges - 1)
    ]
    everything = " ".join(texts)
    fields = {
        "question": everything,
        "text": everything,
        "entities": tuple(texts),
        "plan": PlanPrint(
            text=everything, words=f"1. {everything}", cypher=everything, sparql=everything
        ),
        "citations": cite(claims, graph),
        "subgraph": cited_subgraph(claims, graph),
        "alternatives": (Alternative(text=everything, words=everything, confidence=0.5),),
        "focus": (graph.keys[0],),
        "view": graph,
    }
    return Answer(**{**fields, **changes})
