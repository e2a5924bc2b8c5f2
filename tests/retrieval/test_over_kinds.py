"""Questions as people ask a database: over a tiny shop, each with the plan it should become."""

from functools import cache

import numpy as np
import pytest

from graphllm.graph import GraphBuilder
from graphllm.index import Names
from graphllm.query import execute, to_text
from graphllm.retrieval.linker import Linker
from graphllm.retrieval.planner import Planner
from tests.retrieval import worlds

CUSTOMERS = {
    "Ada Holm": ("Bremen", "Germany", None),
    "Bo Lind": ("Malmö", "Sweden", "Lind AB"),
    "Cleo Marsh": ("Kiel", "Germany", "Marsh Ltd"),
    "Dan Ruiz": ("Madrid", "Spain", None),
}
MAKERS = {"Norrland": "Sweden", "Tessa": "Italy", "Idle Works": "Italy"}
PRODUCTS = {
    "Lamp": ("Norrland", 40.0, 12, 30),
    "Chair": ("Norrland", 95.5, 0, 45),
    "Kettle": ("Tessa", 25.0, 7, 5),
    "Vase": ("Tessa", 60.0, 3, 15),
    "Rug": ("Tessa", 130.0, 9, 90),
}
ORDERS = (
    ("Ada Holm", "2021-03-04", 65.0, ("Lamp", "Kettle")),
    ("Ada Holm", "2021-11-20", 95.5, ("Chair",)),
    ("Bo Lind", "2022-03-09", 130.0, ("Rug",)),
    ("Cleo Marsh", "2022-07-30", 40.0, ("Lamp",)),
    ("Ada Holm", "2022-12-01", 60.0, ("Vase",)),
)

PLANS = {
    # counted and narrowed down
    "How many customers are there?": 'count(type("Customer"))',
    "total number of orders": 'count(type("Order"))',
    "How many customers live in Kiel?": (
        'count(filter(type("Customer"), attribute("City"), "=", "Kiel"))'
    ),
    "Which customers are from Germany or Spain?": (
        'union(filter(type("Customer"), attribute("Country"), "=", "Germany"),'
        ' filter(type("Customer"), attribute("Country"), "=", "Spain"))'
    ),
    "Which customers are not from Germany?": (
        'subtract(type("Customer"), filter(type("Customer"), attribute("Country"), "=", "Germany"))'
    ),
    "Which products cost more than 50 dollars?": (
        'filter(type("Product"), attribute("UnitPrice"), ">", 50)'
    ),
    "How many products have an assembly of more than 1 hour?": (
        'count(filter(type("Product"), attribute("AssemblyMinutes"), ">", 60))'
    ),
    "How many products have fewer than 5 units in stock?": (
        'count(filter(type("Product"), attribute("UnitsInStock"), "<", 5))'
    ),
    "Orders of customers from Sweden": (
        'follow(filter(type("Customer"), attribute("Country"), "=", "Sweden"), ~"Customer")'
    ),
    # dates
    "Which orders were placed in March 2021?": (
        'filter(filter(type("Order"), attribute("OrderDate"), ">=", date("2021-03-01")),'
        ' attribute("OrderDate"), "<", date("2021-04-01"))'
    ),
    "How many orders were there in 2022?": (
        'count(filter(type("Order"), attribute("OrderDate"), "=", 2022))'
    ),
    "What is the most recent order?": 'top(type("Order"), attribute("OrderDate"), 1)',
    # groups
    "Number of customers by country": 'grouped(type("Customer"), by(attribute("Country")))',
    "How many products does each maker have?": 'grouped(type("Product"), by("Maker"))',
    "How many orders were placed each year?": 'grouped(type("Order"), by(year("OrderDate")))',
    "What is the average price of the products of each maker?": (
        'grouped(type("Product"), by("Maker"), average, attribute("UnitPrice"))'
    ),
    # rankings
    "Which maker has the most products?": 'top(type("Maker"), degree(~"Maker"), 1)',
    "Which country has the most customers?": (
        'grouped(type("Customer"), by(attribute("Country")), top, 1)'
    ),
    "the two cheapest products": 'bottom(type("Product"), attribute("UnitPrice"), 2)',
    "Which maker has the highest average price?": (
        'grouped(type("Product"), by("Maker"), average, attribute("UnitPrice"), top, 1)'
    ),
    "Which customer has spent the most?": (
        'grouped(type("Order"), by("Customer"), sum, attribute("Total"), top, 1)'
    ),
    "Which makers have more than 2 products?": ('filter(type("Maker"), degree(~"Maker"), ">", 2)'),
    "Which countries have at least 2 customers?": (
        'grouped(type("Customer"), by(attribute("Country")), ">=", 2)'
    ),
    # one number
    "What is the total of all orders?": 'sum(type("Order"), attribute("Total"))',
    "What is the maximum price of a product?": 'max(type("Product"), attribute("UnitPrice"))',
    "In how many different countries do customers live?": (
        'count_values(type("Customer"), "Country")'
    ),
    # with and without
    "Which customers have a company?": (
        'intersect(type("Customer"), having(attribute("Company")))'
    ),
    "How many customers have no company?": (
        'count(subtract(type("Customer"), having(attribute("Company"))))'
    ),
    "Which customers never ordered anything?": ('subtract(type("Customer"), having(~"Customer"))'),
    "Which makers have no products?": 'subtract(type("Maker"), having(~"Maker"))',
    # whether there is any
    "Is there a customer in Madrid?": (
        'exists(filter(type("Customer"), attribute("City"), "=", "Madrid"))'
    ),
}


@cache
def shop():
    builder = GraphBuilder()
    for name, (city, country, company) in CUSTOMERS.items():
        attributes = {"City": city, "Country": country, "Company": company}
        builder.node(name, name=name, type="Customer", attributes=attributes)
    for name, country in MAKERS.items():
        builder.node(name, name=name, type="Maker", attributes={"Country": country})
    for name, (maker, price, stock, minutes) in PRODUCTS.items():
        attributes = {"UnitPrice": price, "UnitsInStock": stock, "AssemblyMinutes": minutes}
        builder.node(name, name=name, type="Product", attributes=attributes)
        builder.edge(name, "Maker", maker)
    for number, (customer, day, total, products) in enumerate(ORDERS, 1):
        key = f"Order {number}"
        attributes = {"OrderDate": np.datetime64(day, "us"), "Total": total}
        builder.node(key, name=key, type="Order", attributes=attributes)
        builder.edge(key, "Customer", customer)
        for product in products:
            builder.edge(key, "Product", product)
    return builder.build()


@cache
def asked():
    graph = shop()
    planner = Planner(graph, worlds.encoder())
    return planner, Linker(graph, Names.build(graph))


def ranked(question):
    planner, linker = asked()
    return planner.rank(linker.link(question))


@pytest.mark.parametrize("question", PLANS)
def test_the_best_plan(question):
    assert to_text(ranked(question)[0].plan) == PLANS[question]


@pytest.mark.parametrize("question", list(PLANS)[::4])
def test_every_candidate_can_be_run(question):
    for candidate in ranked(question)[:12]:
        execute(candidate.plan, shop())


def test_a_question_that_says_not_is_not_answered_without_it():
    for candidate in ranked("Which customers never ordered anything?"):
        assert candidate.denies


def test_ways_between_kinds_pass_no_kind_twice():
    planner, _ = asked()
    kinds, types = planner.ground.kinds, list(shop().node_types)
    ways = kinds.ways(types.index("Maker"), types.index("Customer"))
    assert [[types[kind] for kind in way.kinds] for way in ways] == [
        ["Product", "Order", "Customer"]
    ]
    (way,) = ways
    back = kinds.back(types.index("Maker"), way)
    assert kinds.ways(types.index("Customer"), types.index("Maker")) == [back]


def test_a_graph_without_types_has_no_kinds():
    planner = worlds.reader("films").planner
    assert planner.ground.kinds.joins == {}
    assert planner.ground.kinds.named(worlds.linker("films").link("Which films?").tokens) == []
