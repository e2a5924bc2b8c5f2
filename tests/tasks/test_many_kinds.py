"""Questions of every kind that people ask, over graphs of many kinds, with their right answers."""

import csv
import json
from pathlib import Path

import networkx
import pytest

from graphllm import GraphQA
from graphllm.examples import path as example

# A line is a question, then its answers apart by ";" in any order. "-" is: the graph cannot tell.
DISCOVERIES = """
Who discovered plutonium? | Glenn Seaborg; Edwin McMillan
What did Humphry Davy discover? | sodium; potassium
Where was Alan Turing born? | London
In which country was Alan Turing born? | United Kingdom
When was Alan Turing born? | 1912-06-23
When did Isaac Newton die? | 1727-03-31
Who wrote The Double Helix? | James Watson
What book did Laura Fermi write? | Atoms in the Family
What is Atoms in the Family about? | Enrico Fermi
Who wrote a book about Marie Curie? | Ève Curie
Who are the children of Marie Curie? | Irène Joliot-Curie; Ève Curie
Who is the father of Lawrence Bragg? | William Henry Bragg
Who was the wife of Enrico Fermi? | Laura Fermi
Who was the husband of Marie Curie? | Pierre Curie
When did Marie Curie marry Pierre Curie? | 1895
When did Marie Curie win the Nobel Prize in Chemistry? | 1911
Who won the Nobel Prize in Physics in 1903? | Marie Curie; Pierre Curie; Henri Becquerel
Who won both the Nobel Prize in Physics and the Nobel Prize in Chemistry? | Marie Curie
How many people won the Nobel Prize in Physics? | 35
How many scientists were born in Germany? | 9
Which moons orbit Jupiter? | Io; Europa; Ganymede; Callisto
How many moons does Jupiter have? | 4
Who discovered the moons of Jupiter? | Galileo Galilei
Who discovered Titan? | Christiaan Huygens
Who discovered the moon that orbits Saturn? | Christiaan Huygens
Did Marie Curie discover radium? | yes
Did Albert Einstein discover radium? | no
Was Alan Turing born in London? | yes
Is Paris the capital of France? | yes
Is Berlin the capital of France? | no
What is the capital of Germany? | Berlin
Which country has Canberra as its capital? | Australia
Tell me about Alan Turing | Alan Turing
Which people were born before 1600? | Galileo Galilei; Nicolaus Copernicus
Which countries have a population over 100 million? | China; India; Pakistan; Russia; United States
Which countries have fewer than 6 million people? | Denmark; Luxembourg; New Zealand
Which is the most populous country? | India
Which country has the smallest population? | Luxembourg
What are the three largest countries by population? | India; China; United States
What is the population of Poland? | 38000000
What is the average population of countries? | 191540952.4
Which university has the most graduates? | University of Cambridge
What is the oldest university? | University of Cambridge
Who is the oldest scientist? | Nicolaus Copernicus
Which element has the highest atomic number? | copernicium
What is the atomic number of radium? | 88
Who invented the transistor? | John Bardeen; Walter Brattain; William Shockley
Which universities did the discoverers of nuclear fission study at? | University of Vienna
What prizes did the inventors of the transistor win? | Nobel Prize in Physics
Which physicists were born in Ulm? | Albert Einstein
In which cities were the winners of the Turing Award born? | London
Who shared a doctoral advisor with Marie Curie? | Pierre Curie
What cities are located in Australia? | Adelaide; Canberra
How many cities are in Germany? | 11
Which continent is Egypt in? | Africa
What does the volt measure? | voltage
Which unit measures force? | newton
Which fields are part of physics? | nuclear physics; quantum mechanics; electromagnetism
who discoverd penicilin? | Alexander Fleming
who invented the telefone? | Alexander Graham Bell
wat did Marie Curie discover | radium; polonium
MARIE CURIE DISCOVERED WHAT? | radium; polonium
radium discoverer | Marie Curie; Pierre Curie
What was Marie Curie's favourite food? | -
Who directed Casablanca? | -
Who discovered unobtainium? | -
Who did Albert Einstein marry? | -
What did Alan Turing discover? | -
Who won the Fields Medal? | -
What is the capital of Spain? | -
Who was born in Madrid? | -
What is the population of France divided by the population of Poland? | -
Hello | -
How many Nobel Prizes did Marie Curie win? | 2
List all planets | Jupiter; Saturn; Uranus; Neptune
Which planets are there? | Jupiter; Saturn; Uranus; Neptune
Who died in 1906? | Pierre Curie
Was Marie Curie born before 1870? | yes
"""

BOOKS = """
Who wrote Moby-Dick? | Herman Melville
Who is the author of Walden? | Henry David Thoreau
What did Herman Melville write? | Moby-Dick; Bartleby, the Scrivener
Which books were published by Ticknor and Fields? | Walden; The Scarlet Letter
Which authors were published by Ticknor and Fields? | Henry David Thoreau; Nathaniel Hawthorne
Where was Nathaniel Hawthorne born? | Salem
In which state was Nathaniel Hawthorne born? | Massachusetts
Who was born in New York City? | Herman Melville
How many pages does Walden have? | 352
Which book has the most pages? | Moby-Dick
Which books have more than 300 pages? | Moby-Dick; Walden
Which books were published before 1852? | Moby-Dick; The Scarlet Letter
When was Walden published? | 1854
When was Henry David Thoreau born? | 1817-07-12
Who is the youngest author? | Herman Melville
Which authors were born after 1810? | Herman Melville; Henry David Thoreau
Who was a friend of Nathaniel Hawthorne? | Herman Melville
Who was Herman Melville's friend? | Nathaniel Hawthorne
Which publishers have their headquarters in New York City? | Harper & Brothers; G. P. Putnam
Where is Harper & Brothers headquartered? | New York City
How many books did Herman Melville write? | 2
Who wrote Moby Dick? | Herman Melville
Who translated Moby-Dick? | -
What is the average number of pages of books? | 330.75
"""

SERVICES = """
Who owns payments? | Bo
Which services does Ana own? | checkout; auth
What does checkout call? | payments; mailer
Which services call auth? | payments; gateway
Which team owns payments? | Money
Which services are owned by the Money team? | payments; ledger; gateway
What is the latency of mailer? | 900
Which service has the highest latency? | mailer
Which services have a latency over 100? | checkout; payments; mailer
Which services have a latency above 100 ms? | checkout; payments; mailer
What language is auth written in? | Rust
How many services does Bo own? | 2
Who owns the most services? | Ana; Bo
Does gateway call auth? | yes
Who owns the services that checkout calls? | Bo; Dee
What is the average latency of services? | 243.3333333
Tell me about checkout | checkout
Who owns billing? | -
What is the uptime of auth? | -
who owns chekout | Ana
"""

PROJECTS = """
Who leads Apollo? | Ines Roth
Which projects does Ines Roth lead? | Apollo; Cygnus
Which department is Fornax in? | Sales
Which projects belong to Research? | Apollo; Cygnus; Eridanus
What is the budget of Draco? | 120000
Which project has the largest budget? | Cygnus
Which project has the smallest budget? | Eridanus
Which projects have a budget of more than 200,000? | Apollo; Cygnus; Fornax
Which projects are active? | Apollo; Cygnus; Fornax
How many projects are closed? | 2
When did Cygnus start? | 2022-01-10
Which projects started after 2021? | Cygnus; Eridanus; Fornax
Which projects started in 2021? | Apollo
Which project started first? | Draco
What is the total budget of projects? | 1245000
What is the average budget of projects? | 207500
Who is the sponsor of Apollo? | -
Does Wei Zhang lead Draco? | yes
who leads appolo | Ines Roth
"""

DRUGS = """
What does Aspirin treat? | headache; fever
Which drugs treat fever? | Aspirin; Ibuprofen
Which drugs interact with Warfarin? | Aspirin; Ibuprofen
What interacts with Aspirin? | Warfarin
Does Aspirin interact with Warfarin? | yes
Does Warfarin interact with Aspirin? | yes
Does Aspirin treat arthritis? | no
Which drug treats both fever and headache? | Aspirin
Which drugs treat a symptom of migraine? | Aspirin
What does arthritis affect? | joints
How many drugs does Bayer make? | 2
What is the dose of Aspirin? | -
What are the side effects of Ibuprofen? | -
Which drugs made by Bayer treat fever? | Aspirin
Which drugs treat fever but not headache? | Ibuprofen
Which drugs treat fever or thrombosis? | Aspirin; Ibuprofen; Warfarin
"""

NORTHWIND = """
Who supplies Chai? | Exotic Liquids
Which products does Exotic Liquids supply? | Chai; Chang; Aniseed Syrup
What category is Tofu in? | Produce
How many products are in Seafood? | 12
What is the price of Chai? | 18
How much does Tofu cost? | 23.25
What is the unit price of Ikura? | 31
How many units of Chang are in stock? | 17
Which products cost less than 5 dollars? | Guaraná Fantástica; Geitost
What is the most expensive product? | Côte de Blaye
What is the cheapest product? | Geitost
What is the most expensive product supplied by Tokyo Traders? | Mishi Kobe Niku
What is the average price of products? | 28.86636364
How many products does Tokyo Traders supply? | 3
Which supplier supplies the most products? | Pavlova, Ltd.; Plutzer Lebensmittelgroßmärkte AG
Which category has the most products? | Confections
How many orders did Nancy Davolio handle? | 123
How many orders did Alfreds Futterkiste place? | 6
Who is the customer of order 10250? | Hanari Carnes
What is the freight of order 10250? | 65.83
Who does Nancy Davolio report to? | Andrew Fuller
Who is the boss of Michael Suyama? | Steven Buchanan
Who reports to Steven Buchanan? | Michael Suyama; Robert King; Anne Dodsworth
How many people report to Andrew Fuller? | 5
When was Nancy Davolio born? | 1948-12-08
When was Nancy Davolio hired? | 1992-05-01
What is the title of Laura Callahan? | Inside Sales Coordinator
Who is the youngest employee? | Anne Dodsworth
Who is the oldest employee? | Margaret Peacock
Which employees were hired after 1993? | Robert King; Laura Callahan; Anne Dodsworth
Which employees were born before 1950? | Nancy Davolio; Margaret Peacock
Which employees work in the Western region? | Michael Suyama; Robert King
Which city is Tokyo Traders in? | Tokyo
What is the phone number of Speedy Express? | (503) 555-9831
Who is the contact of Around the Horn? | Thomas Hardy
Does Tokyo Traders supply Ikura? | yes
Does Tokyo Traders supply Chai? | no
Did Nancy Davolio report to Steven Buchanan? | no
Tell me about Tokyo Traders | Tokyo Traders
What is the total freight of orders? | 64942.69
What is the salary of Nancy Davolio? | -
Who is the chairman of Tokyo Traders? | -
Which products contain peanuts? | -
What is the weather in London? | -
Who supplies Coca Cola? | -
"""

CHINOOK = """
Which artist recorded Nevermind? | Nirvana
What are the albums of Queen? | Greatest Hits II; Greatest Hits I; News Of The World
Which artist has the most albums? | Iron Maiden
How many tracks are on Nevermind? | 12
What is the genre of Smells Like Teen Spirit? | Rock
Who is the artist of the album of Smells Like Teen Spirit? | Nirvana
Which album contains Come As You Are? | Nevermind
How many tracks are Jazz? | 130
What is the longest track? | Occupation / Precipice
What is the shortest track? | É Uma Partida De Futebol
Who composed Smells Like Teen Spirit? | Nirvana; Kurt Cobain
Who is the support rep of Luís Gonçalves? | Jane Peacock
How many customers does Jane Peacock support? | 21
Who does Jane Peacock report to? | Nancy Edwards
Who reports to Andrew Adams? | Nancy Edwards; Michael Mitchell
In which country does Leonie Köhler live? | Germany
What is the email of Leonie Köhler? | leonekohler@surfeu.de
What is the total of invoice 5? | 13.86
Which invoice has the highest total? | Invoice 404
Who is the oldest employee? | Margaret Park
When was Jane Peacock hired? | 2002-04-01
Who produced Nevermind? | -
Which albums did The Beatles record? | -
Who plays drums in Nirvana? | -
Which genre has the most tracks? | Rock
Which media type is used by the most tracks? | MPEG audio file
"""

TURTLE = """
@prefix ex: <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:moby a ex:Book ;
    rdfs:label "Moby-Dick"@en ;
    ex:author ex:melville ;
    ex:publishedIn "1851"^^xsd:gYear ;
    ex:pages 635 ;
    ex:publisher ex:harper .
ex:bartleby a ex:Book ;
    rdfs:label "Bartleby, the Scrivener"@en ;
    ex:author ex:melville ;
    ex:publishedIn "1853"^^xsd:gYear ;
    ex:pages 64 ;
    ex:publisher ex:putnam .
ex:walden a ex:Book ;
    rdfs:label "Walden"@en ;
    ex:author ex:thoreau ;
    ex:publishedIn "1854"^^xsd:gYear ;
    ex:pages 352 ;
    ex:publisher ex:ticknor .
ex:scarlet a ex:Book ;
    rdfs:label "The Scarlet Letter"@en ;
    ex:author ex:hawthorne ;
    ex:publishedIn "1850"^^xsd:gYear ;
    ex:pages 272 ;
    ex:publisher ex:ticknor .
ex:melville a ex:Author ;
    rdfs:label "Herman Melville" ;
    ex:birthPlace ex:nyc ;
    ex:birthDate "1819-08-01"^^xsd:date ;
    ex:friendOf ex:hawthorne .
ex:thoreau a ex:Author ;
    rdfs:label "Henry David Thoreau" ;
    ex:birthPlace ex:concord ;
    ex:birthDate "1817-07-12"^^xsd:date .
ex:hawthorne a ex:Author ;
    rdfs:label "Nathaniel Hawthorne" ;
    ex:birthPlace ex:salem ;
    ex:birthDate "1804-07-04"^^xsd:date .
ex:nyc a ex:City ;
    rdfs:label "New York City" ;
    ex:locatedIn ex:ny .
ex:ny a ex:State ;
    rdfs:label "New York" .
ex:concord a ex:City ;
    rdfs:label "Concord" ;
    ex:locatedIn ex:ma .
ex:salem a ex:City ;
    rdfs:label "Salem" ;
    ex:locatedIn ex:ma .
ex:ma a ex:State ;
    rdfs:label "Massachusetts" .
ex:harper a ex:Publisher ;
    rdfs:label "Harper & Brothers" ;
    ex:headquarters ex:nyc .
ex:ticknor a ex:Publisher ;
    rdfs:label "Ticknor and Fields" .
ex:putnam a ex:Publisher ;
    rdfs:label "G. P. Putnam" ;
    ex:headquarters ex:nyc .
"""

CALLS = [
    ("gateway", "checkout"),
    ("gateway", "auth"),
    ("checkout", "payments"),
    ("payments", "ledger"),
    ("checkout", "mailer"),
    ("payments", "auth"),
]
OWNED = {
    "checkout": ("Ana", 120, "Python"),
    "payments": ("Bo", 300, "Go"),
    "ledger": ("Cy", 80, "Go"),
    "auth": ("Ana", 45, "Rust"),
    "gateway": ("Bo", 15, "Rust"),
    "mailer": ("Dee", 900, "Python"),
}
TEAMS = {"Ana": "Platform", "Bo": "Money", "Cy": "Money", "Dee": "Growth"}

SHEET = [
    ("Project", "Lead", "Department", "Budget", "Start", "Status"),
    ("Apollo", "Ines Roth", "Research", "250000", "2021-03-01", "active"),
    ("Borealis", "Omar Haddad", "Sales", "90000", "2020-06-15", "closed"),
    ("Cygnus", "Ines Roth", "Research", "400000", "2022-01-10", "active"),
    ("Draco", "Wei Zhang", "Operations", "120000", "2019-09-30", "closed"),
    ("Eridanus", "Wei Zhang", "Research", "75000", "2023-05-05", "planned"),
    ("Fornax", "Lena Vogt", "Sales", "310000", "2022-11-20", "active"),
]

FACTS = [
    ("Aspirin", "treats", "headache"),
    ("Aspirin", "treats", "fever"),
    ("Ibuprofen", "treats", "fever"),
    ("Ibuprofen", "treats", "arthritis"),
    ("Warfarin", "treats", "thrombosis"),
    ("Aspirin", "interacts with", "Warfarin"),
    ("Ibuprofen", "interacts with", "Warfarin"),
    ("Aspirin", "made by", "Bayer"),
    ("Ibuprofen", "made by", "Boots"),
    ("Warfarin", "made by", "Bayer"),
    ("Bayer", "based in", "Leverkusen"),
    ("Boots", "based in", "Nottingham"),
    ("Leverkusen", "located in", "Germany"),
    ("Nottingham", "located in", "England"),
    ("headache", "symptom of", "migraine"),
    ("fever", "symptom of", "influenza"),
    ("arthritis", "affects", "joints"),
]

CHATS = {
    "discoveries": """
        Who discovered polonium? | Marie Curie; Pierre Curie
        and where were they born? | Warsaw; Paris
        Who wrote Madame Curie? | Ève Curie
        and when was she born? | 1904-12-06
        who were her parents? | Marie Curie; Pierre Curie
        what did they win? | Nobel Prize in Physics; Nobel Prize in Chemistry
        what about Niels Bohr? | Nobel Prize in Physics; Copley Medal
        """,
    "projects": """
        Which projects does Ines Roth lead? | Apollo; Cygnus
        which of them has the largest budget? | Cygnus
        Which department is Apollo in? | Research
        who leads it? | Ines Roth
        What about Draco? | Wei Zhang
        """,
}


def lines_of(text: str) -> list[tuple[str, frozenset[str]]]:
    """Return the questions of a text with their answers."""
    rows = [line.strip().rpartition(" | ") for line in text.strip().splitlines()]
    return [(question, frozenset(answers.split("; "))) for question, _, answers in rows]


def graph_of_services() -> networkx.DiGraph:
    graph = networkx.DiGraph()
    for name, (owner, latency, language) in OWNED.items():
        graph.add_node(name, type="service", latency_ms=latency, language=language)
        graph.add_node(owner, type="person")
        graph.add_edge(name, owner, label="owned by")
    for person, team in TEAMS.items():
        graph.add_node(team, type="team")
        graph.add_edge(person, team, label="member of")
    graph.add_edges_from(CALLS, label="calls")
    return graph


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, GraphQA]:
    """The shipped example, and a graph from each kind of file that is written here."""
    folder = tmp_path_factory.mktemp("graphs")
    (folder / "books.ttl").write_text(TURTLE, encoding="utf-8")
    networkx.write_graphml(graph_of_services(), folder / "services.graphml")
    with (folder / "projects.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(SHEET)
    rows = [json.dumps(dict(zip(("head", "relation", "tail"), f, strict=True))) for f in FACTS]
    (folder / "drugs.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    files = ("books.ttl", "services.graphml", "projects.csv", "drugs.jsonl")
    paths = {"discoveries": example("discoveries")}
    paths |= {Path(file).stem: folder / file for file in files}
    return {name: GraphQA.from_file(path, cache=False) for name, path in paths.items()}


def said(qa: GraphQA, question: str) -> frozenset[str]:
    """Return the answers given, or "-"; "yes" and "no" are answers too."""
    answer = qa.ask(question)
    return frozenset(["-"] if answer.abstained else answer.entities)


def wrong(qa: GraphQA, text: str) -> list[str]:
    """Return what is answered wrongly, a line for each."""
    given = [(question, said(qa, question), right) for question, right in lines_of(text)]
    return [f"{q} {sorted(g)} instead of {sorted(r)}" for q, g, r in given if g != r]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("discoveries", DISCOVERIES),
        ("books", BOOKS),
        ("services", SERVICES),
        ("projects", PROJECTS),
        ("drugs", DRUGS),
    ],
)
def test_questions_of_many_kinds(graphs: dict[str, GraphQA], name: str, text: str) -> None:
    assert wrong(graphs[name], text) == []


@pytest.mark.slow
def test_networkx_answers_as_its_file_does() -> None:
    assert wrong(GraphQA.from_graph(graph_of_services()), SERVICES) == []


@pytest.mark.parametrize("name", list(CHATS))
def test_follow_up_questions(graphs: dict[str, GraphQA], name: str) -> None:
    chat = graphs[name].chat()
    for question, right in lines_of(CHATS[name]):
        assert frozenset(chat.ask(question).entities) == right, question


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("demo_northwind/northwind.sqlite", NORTHWIND),
        ("demo_northwind", NORTHWIND),
        ("demo_chinook/Chinook_Sqlite.sqlite", CHINOOK),
    ],
)
def test_shops(data_dir: Path, file: str, text: str) -> None:
    assert wrong(GraphQA.from_file(data_dir / file, cache=False), text) == []
