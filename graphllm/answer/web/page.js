"use strict";
// Makes the drawn graph of a page movable. Text goes in as text (textContent, Cytoscape labels on a
// canvas), never as markup. Without this script the page still says everything.
(async () => {
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage");
  const packed = byId("library");
  if (!stage || !packed || typeof DecompressionStream === "undefined") return;

  const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const library = document.createElement("script");
  library.textContent = await new Response(unpacked).text();
  document.head.append(library);
  if (typeof cytoscape === "undefined") return;

  const data = JSON.parse(byId("drawing").textContent);
  const canvas = document.createElement("div");
  canvas.id = "canvas";
  canvas.style.height = "100%";
  stage.append(canvas);
  document.body.classList.add("live");

  // Many labels of edges at once are noise: they show when zoomed in, or when their edge is chosen.
  const isCrowded = data.edges.filter((edge) => edge.cited).length > 40;
  const nodeIds = data.nodes.map((_, position) => `n${position}`);
  const cy = cytoscape({
    container: canvas,
    elements: [
      ...data.nodes.map((node, position) => ({
        group: "nodes",
        data: { ...node, id: nodeIds[position], position },
        position: { x: node.x, y: node.y },
        classes: [node.role, node.context ? "context" : "", node.colour].join(" "),
      })),
      ...data.edges.map((edge, position) => ({
        group: "edges",
        data: { ...edge, id: `e${position}`, position, source: nodeIds[edge.head], target: nodeIds[edge.tail] },
        classes: edge.cited ? "cited" : "context",
      })),
    ],
    style: styles(),
    layout: { name: "preset", fit: false },
    minZoom: 0.05,
    maxZoom: 6,
    boxSelectionEnabled: false,
    selectionType: "single",
  });

  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => cy.style(styles()));
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function styles() {
    const root = getComputedStyle(document.documentElement);
    const css = (name) => root.getPropertyValue(name).trim();
    const colours = ["0", "1", "2", "3", "4", "5", "6", "other"].map((name) => ({
      selector: `node.colour-${name}`,
      style: { "background-color": css(`--colour-${name}`) },
    }));
    return [
      {
        selector: "node",
        style: {
          label: "data(label)", width: 26, height: 26, color: css("--ink"),
          "font-family": css("--text"), "font-size": 13, "text-wrap": "wrap", "text-max-width": 220,
          "text-valign": "bottom", "text-margin-y": 5, "text-outline-color": css("--card"),
          "text-outline-width": 2, "text-background-color": css("--card"),
          "text-background-opacity": 0.7, "text-background-padding": 1, "border-width": 1.5, "border-color": css("--card"),
          "min-zoomed-font-size": 5,
        },
      },
      ...colours,
      {
        selector: "node.topic",
        style: {
          shape: "round-rectangle", width: 30, height: 30, "border-width": 2.5,
          "border-style": "dashed", "border-color": css("--ink"), "font-weight": 600,
        },
      },
      {
        selector: "node.answer",
        style: {
          width: 36, height: 36, "border-width": 6, "border-style": "double",
          "border-color": css("--ink"), "font-weight": 700, "font-size": 15, "z-index": 10,
        },
      },
      {
        selector: "edge",
        style: {
          label: "data(label)", width: 1.3, "line-color": css("--faint"), "line-style": "dashed",
          "target-arrow-color": css("--faint"), "target-arrow-shape": "triangle",
          "curve-style": "bezier", "control-point-step-size": 46, "arrow-scale": 0.9,
          color: css("--soft"), "font-family": css("--text"), "font-size": 11,
          "text-rotation": "autorotate", "text-background-color": css("--card"),
          "text-background-opacity": 0.92, "text-background-padding": 2,
          "min-zoomed-font-size": isCrowded ? 15 : 6,
        },
      },
      {
        selector: "edge.cited",
        style: {
          width: isCrowded ? 2 : 3, "line-color": css("--cited"), "line-style": "solid", "arrow-scale": 1.2,
          "target-arrow-color": css("--cited"), color: css("--ink"), "font-size": 12,
        },
      },
      { selector: "node.context", style: { width: 18, height: 18, opacity: 0.6, "font-size": 11 } },
      { selector: "edge.context", style: { opacity: 0.65 } },
      { selector: ".away", style: { display: "none" } },
      { selector: ".faded", style: { opacity: 0.2 } },
      {
        selector: "node.chosen",
        style: {
          opacity: 1, "underlay-color": css("--chosen"), "underlay-opacity": 0.75,
          "underlay-padding": 8, "underlay-shape": "ellipse", "z-index": 20,
        },
      },
      {
        selector: "edge.chosen",
        style: {
          opacity: 1, width: 5, "min-zoomed-font-size": 0, "line-color": css("--chosen"), "line-style": "solid",
          "target-arrow-color": css("--chosen"), color: css("--ink"), "font-weight": 700,
        },
      },
    ];
  }

  // What is seen ------------------------------------------------------------------------------

  const box = byId("context");
  function showContext() {
    place();
    fit();
  }
  // Without context, what is cited has a layout of its own, which makes the most of the room.
  function place() {
    const alone = Boolean(box) && !box.checked;
    cy.elements(".context").toggleClass("away", alone);
    cy.batch(() => cy.nodes().not(".away").positions((node) => {
      const [x, y] = alone ? node.data("alone") : [node.data("x"), node.data("y")];
      return { x, y };
    }));
  }
  function fit() {
    cy.resize();
    const seen = cy.elements().not(".away");
    cy.fit(seen, 36);
    if (cy.zoom() > 1.3) {
      cy.zoom(1.3); // a few nodes need not fill the room
      cy.center(seen);
    }
  }
  function middle() {
    return { x: cy.width() / 2, y: cy.height() / 2 };
  }
  function zoom(factor) {
    cy.zoom({ level: cy.zoom() * factor, renderedPosition: middle() });
  }
  function bringIntoView(element) {
    const { x1, y1, x2, y2 } = element.renderedBoundingBox();
    if (x1 >= 0 && y1 >= 0 && x2 <= cy.width() && y2 <= cy.height()) return;
    if (still.matches) cy.center(element);
    else cy.animate({ center: { eles: element } }, { duration: 250 });
  }

  // What is chosen ----------------------------------------------------------------------------

  const panel = byId("panel");
  const hint = panel.firstElementChild;
  const make = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) {
      made.textContent = text;
      made.dir = "auto";
    }
    if (className) made.className = className;
    return made;
  };

  function choose(element) {
    if (element.hasClass("away") && box) {
      box.checked = true;
      showContext();
    }
    clear();
    const near = element.isNode() ? element.closedNeighborhood() : element.union(element.connectedNodes());
    cy.elements().not(near).addClass("faded");
    element.addClass("chosen");
    panel.replaceChildren(...(element.isNode() ? aboutNode(element) : aboutEdge(element)));
    panel.scrollTop = 0;
    const mark = element.isNode() ? "node" : "edge";
    for (const button of document.querySelectorAll(`.proof button[data-${mark}="${element.data("position")}"]`)) {
      button.setAttribute("aria-pressed", "true");
      button.parentElement.scrollIntoView({ block: "nearest" });
    }
    bringIntoView(element);
  }
  function clear() {
    cy.elements().removeClass("chosen faded");
    for (const button of document.querySelectorAll(".proof button[aria-pressed]")) {
      button.removeAttribute("aria-pressed");
    }
    panel.replaceChildren(hint);
  }
  function aboutNode(node) {
    const listed = byId(`node-${node.data("position")}`);
    const kind = listed.querySelector("summary .kind");
    const known = listed.querySelector(".known");
    const parts = [make("h3", node.data("name"))];
    if (kind) parts.push(kind.cloneNode(true));
    parts.push(known.cloneNode(true));
    const edges = node.connectedEdges();
    if (edges.nonempty()) {
      const list = make("ul");
      edges.sort((a, b) => b.data("cited") - a.data("cited") || a.data("position") - b.data("position"));
      edges.forEach((edge) => list.append(edgeLine(edge, node)));
      parts.push(make("h4", "Its drawn edges"), list);
    }
    return parts;
  }
  function edgeLine(edge, node) {
    const leaves = edge.source().same(node);
    const other = leaves ? edge.target() : edge.source();
    const text = leaves
      ? `${edge.data("relation")} → ${other.data("name")}`
      : `${other.data("name")} → ${edge.data("relation")}`;
    return toChoose(text, edge);
  }
  function toChoose(text, element) {
    const line = make("li");
    const button = make("button", text);
    button.type = "button";
    button.addEventListener("click", () => choose(element));
    line.append(button);
    return line;
  }
  function aboutEdge(edge) {
    const where = edge.data("edge") === null ? "" : `edge ${edge.data("edge")}`;
    const part = edge.data("cited") ? "cited" : "context, not cited";
    const ends = make("ul");
    ends.append(
      toChoose(edge.source().data("name"), edge.source()),
      toChoose(edge.target().data("name"), edge.target()),
    );
    const parts = [make("h3", edge.data("relation")), make("p", [where, part].filter(Boolean).join(", "), "hint")];
    parts.push(make("h4", "From, to"), ends);
    if (edge.data("attributes").length) {
      const list = make("dl");
      for (const [name, value] of edge.data("attributes")) list.append(make("dt", name), make("dd", value));
      parts.push(make("h4", "Attributes"), list);
    }
    return parts;
  }

  // What is done ------------------------------------------------------------------------------

  cy.on("tap", (event) => (event.target === cy ? clear() : choose(event.target)));
  cy.on("mouseover", "node, edge", () => (canvas.style.cursor = "pointer"));
  cy.on("mouseout", "node, edge", () => (canvas.style.cursor = ""));
  for (const button of document.querySelectorAll(".proof button")) {
    const { edge, node } = button.dataset;
    if (edge === undefined && node === undefined) continue;
    button.addEventListener("click", () => {
      choose(cy.getElementById(edge === undefined ? `n${node}` : `e${edge}`));
      stage.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    });
  }
  byId("zoom-in").addEventListener("click", () => zoom(1.3));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 1.3));
  byId("fit").addEventListener("click", fit);
  if (box) box.addEventListener("change", showContext);
  const keys = {
    ArrowLeft: () => cy.panBy({ x: 60, y: 0 }), ArrowRight: () => cy.panBy({ x: -60, y: 0 }),
    ArrowUp: () => cy.panBy({ x: 0, y: 60 }), ArrowDown: () => cy.panBy({ x: 0, y: -60 }),
    "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: fit, Escape: clear,
  };
  stage.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("resize", () => cy.resize());
  showContext();
})();
