// Cytoscape with a layout that is the same tomorrow: places follow from the data alone, not chance.
import cytoscape, { type Core, type ElementDefinition, type StylesheetJson } from "cytoscape";
import { forwardRef, useEffect, useImperativeHandle, useRef } from "react";
import { useTheme } from "@/app/theme";
import { download } from "@/lib/csv";
import { plainText } from "@/lib/safetext";
import { shareToken } from "@/lib/share";
import { token } from "./Chart";

export interface GraphItem {
  id: string;
  label: string;
  /** As in the window's graph: chooses the shape. */
  type: string;
  share?: number | undefined;
  /** Drawn quiet: not in the chosen time, or other activity. */
  dim?: boolean | undefined;
}

export interface GraphLink {
  source: string;
  target: string;
  label: string;
  dim?: boolean | undefined;
}

export interface GraphHandle {
  png: (name: string) => void;
  svg: (name: string) => void;
  json: (name: string, data: unknown) => void;
  fit: () => void;
}

interface Props {
  label: string;
  nodes: readonly GraphItem[];
  links: readonly GraphLink[];
  chosen?: string | null;
  onChoose?: (id: string | null) => void;
}

/** By the types of src/graph/graph.h. */
export const NODE_SHAPES: Record<string, cytoscape.Css.NodeShape> = {
  process: "round-rectangle", file: "rectangle", registry: "hexagon", module: "barrel", pipe: "tag", network: "diamond",
  dns: "rhomboid", script: "cut-rectangle", service: "octagon", account: "ellipse", device: "vee", wmi: "pentagon",
  share: "bottom-round-rectangle", kernel: "heptagon", log: "concave-hexagon",
};

// Cytoscape adds a <style> to the page, which the Content-Security-Policy refuses, unless an element of
// this name is there; .graph has what it would say.
function keepStyleOut(): void {
  const name = "__________cytoscape_stylesheet";
  if (document.getElementById(name)) return;
  const mark = document.createElement("meta");
  mark.id = name;
  document.head.append(mark);
}

function look(): StylesheetJson {
  return [
    {
      selector: "node",
      style: {
        label: "data(label)", shape: "data(shape)" as unknown as cytoscape.Css.NodeShape, "background-color": "data(fill)", width: 30, height: 30,
        "border-width": 1, "border-color": token("--line-strong"), color: token("--text"), "font-size": 19, "text-valign": "bottom",
        "text-margin-y": 4, "text-max-width": "190px", "text-wrap": "ellipsis", "min-zoomed-font-size": 5,
      },
    },
    { selector: "node:selected", style: { "border-width": 3, "border-color": token("--accent") } },
    {
      selector: "edge",
      style: {
        width: 1.2, "line-color": token("--line-strong"), "target-arrow-color": token("--line-strong"), "target-arrow-shape": "triangle",
        "arrow-scale": 0.8, "curve-style": "bezier", "font-size": 10, color: token("--text-2"), "text-background-color": token("--surface"),
        "text-background-opacity": 1, "text-background-padding": "2px",
      },
    },
    { selector: "edge.hover", style: { label: "data(label)", "line-color": token("--accent"), "target-arrow-color": token("--accent") } },
    { selector: ".many", style: { opacity: 0.2, "curve-style": "haystack" } },
    { selector: ".dim", style: { opacity: 0.22 } },
  ];
}

function elements(nodes: readonly GraphItem[], links: readonly GraphLink[]): ElementDefinition[] {
  const known = new Set(nodes.map((node) => node.id));
  return [
    ...nodes.map((node) => ({
      data: { id: node.id, label: plainText(node.label, 60), shape: NODE_SHAPES[node.type] ?? "ellipse", fill: token(shareToken(node.share)) },
      classes: node.dim ? "dim" : "",
    })),
    ...links
      .filter((link) => known.has(link.source) && known.has(link.target))
      .map((link, at) => ({
        data: { id: `edge ${at}`, source: link.source, target: link.target, label: plainText(link.label, 60) },
        classes: `${links.length > MOST_FORCED ? "many" : ""} ${link.dim ? "dim" : ""}`,
      })),
  ];
}

/** Forces between more nodes than this would freeze the page. */
const MOST_FORCED = 600;

// Force-directed from fixed first places on a spiral: the same elements end at the same places.
function arrange(graph: Core): void {
  const many = graph.nodes().length > MOST_FORCED;
  // Too many for forces: what has most edges in the middle of the spiral, and that is it.
  const degree = new Map(many ? graph.nodes().map((node) => [node.id(), node.degree(false)] as const) : []);
  const all = many ? graph.nodes().sort((one, two) => degree.get(two.id())! - degree.get(one.id())!) : graph.nodes();
  all.forEach((node, at) => {
    const turn = at * 2.399963;
    node.position({ x: Math.cos(turn) * 40 * Math.sqrt(at + 1) * (many ? 1.5 : 1), y: Math.sin(turn) * 40 * Math.sqrt(at + 1) });
  });
  if (many) {
    graph.fit(undefined, 32);
    return;
  }
  graph
    .layout({
      name: "cose", animate: false, randomize: false, fit: true, padding: 32, nodeDimensionsIncludeLabels: true,
      idealEdgeLength: () => 90, nodeRepulsion: () => 200_000, nodeOverlap: 24, gravity: 0.4, componentSpacing: 60, numIter: all.length > 400 ? 250 : 800,
    } as cytoscape.LayoutOptions)
    .run();
  widen(graph);
}

// Screens are wide: a drawing that came out tall is stretched, so that its labels have room.
function widen(graph: Core): void {
  const box = graph.nodes().boundingBox({ includeLabels: false });
  const factor = Math.min(2.4, (box.h * 1.6) / Math.max(1, box.w));
  if (graph.nodes().length < 3 || factor <= 1) return;
  graph.nodes().positions((node) => ({ x: node.position("x") * factor, y: node.position("y") }));
  graph.fit(undefined, 32);
}

const R = 13;
/** Corners of the shapes that are polygons, from -1 to 1. */
const POLYGONS: Record<string, ReadonlyArray<readonly [number, number]>> = {
  diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
  hexagon: [[-0.5, -1], [0.5, -1], [1, 0], [0.5, 1], [-0.5, 1], [-1, 0]],
  "concave-hexagon": [[-1, -1], [1, -1], [0.7, 0], [1, 1], [-1, 1], [-0.7, 0]],
  heptagon: [[0, -1], [0.8, -0.6], [1, 0.25], [0.45, 0.95], [-0.45, 0.95], [-1, 0.25], [-0.8, -0.6]],
  octagon: [[-0.42, -1], [0.42, -1], [1, -0.42], [1, 0.42], [0.42, 1], [-0.42, 1], [-1, 0.42], [-1, -0.42]],
  pentagon: [[0, -1], [1, -0.25], [0.6, 1], [-0.6, 1], [-1, -0.25]],
  rhomboid: [[-1, -1], [0.33, -1], [1, 1], [-0.33, 1]],
  "cut-rectangle": [[-0.6, -1], [0.6, -1], [1, -0.6], [1, 0.6], [0.6, 1], [-0.6, 1], [-1, 0.6], [-1, -0.6]],
  tag: [[-1, -1], [0.4, -1], [1, 0], [0.4, 1], [-1, 1]],
  vee: [[-1, -1], [0, -0.35], [1, -1], [0, 1]],
};

/** A node of the drawing as it looks on the page, near enough. */
export function svgShape(shape: string, x: number, y: number, style: string): string {
  const corners = POLYGONS[shape];
  if (corners) return `<polygon points="${corners.map(([dx, dy]) => `${(x + dx * R).toFixed(1)},${(y + dy * R).toFixed(1)}`).join(" ")}" ${style}/>`;
  if (shape === "ellipse") return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${R}" ${style}/>`;
  const round = shape === "rectangle" ? 0 : shape === "barrel" ? 7 : 4;
  return `<rect x="${(x - R).toFixed(1)}" y="${(y - R).toFixed(1)}" width="${2 * R}" height="${2 * R}" rx="${round}" ${style}/>`;
}

/** The drawing as SVG text: cytoscape has none of its own. */
function svgOf(graph: Core): string {
  const box = graph.elements().boundingBox();
  const safe = (text: string) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
  const lines = graph.edges().map((edge) => {
    const a = edge.source().position();
    const b = edge.target().position();
    return `<line x1="${a.x.toFixed(1)}" y1="${a.y.toFixed(1)}" x2="${b.x.toFixed(1)}" y2="${b.y.toFixed(1)}" stroke="#868f9e" stroke-width="1.2"><title>${safe(String(edge.data("label")))}</title></line>`;
  });
  const dots = graph.nodes().map((node) => {
    const { x, y } = node.position();
    return `<g>${svgShape(String(node.data("shape")), x, y, `fill="${safe(String(node.data("fill")))}" stroke="#868f9e"`)}<text x="${x.toFixed(1)}" y="${(y + 26).toFixed(1)}" text-anchor="middle" font-family="sans-serif" font-size="11" fill="${token("--text")}">${safe(String(node.data("label")))}</text></g>`;
  });
  const view = `${box.x1 - 20} ${box.y1 - 20} ${box.w + 40} ${box.h + 40}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${view}"><rect x="${box.x1 - 20}" y="${box.y1 - 20}" width="100%" height="100%" fill="${token("--surface")}"/>${lines.join("")}${dots.join("")}</svg>`;
}

export const Graph = forwardRef<GraphHandle, Props>(function Graph({ label, nodes, links, chosen, onChoose }, ref) {
  const box = useRef<HTMLDivElement>(null);
  const graph = useRef<Core | null>(null);
  const placed = useRef("");
  const { shown } = useTheme();
  const choose = useRef(onChoose);
  choose.current = onChoose;

  useEffect(() => {
    keepStyleOut();
    const made = cytoscape({ container: box.current!, minZoom: 0.05, maxZoom: 4, boxSelectionEnabled: false });
    graph.current = made;
    made.on("tap", "node", (event) => choose.current?.((event.target as cytoscape.NodeSingular).id()));
    made.on("tap", (event) => event.target === made && choose.current?.(null));
    made.on("mouseover", "edge", (event) => void (event.target as cytoscape.EdgeSingular).addClass("hover"));
    made.on("mouseout", "edge", (event) => void (event.target as cytoscape.EdgeSingular).removeClass("hover"));
    return () => {
      made.destroy();
      graph.current = null;
      placed.current = "";
    };
  }, []);

  useEffect(() => {
    const made = graph.current;
    if (!made) return;
    made.style(look());
    const ids = nodes.map((node) => node.id).join("\u0000");
    if (ids !== placed.current) {
      // Other nodes: laid out anew. Only other fills or times: everything stays where it is.
      made.elements().remove();
      made.add(elements(nodes, links));
      arrange(made);
      placed.current = ids;
      return;
    }
    made.edges().remove();
    for (const one of elements(nodes, links)) {
      const node = one.data.source ? null : made.getElementById(String(one.data.id));
      if (node?.nonempty()) node.data(one.data).classes(one.classes as string);
      else made.add(one);
    }
  }, [nodes, links, shown]);

  useEffect(() => {
    graph.current?.nodes(":selected").unselect();
    if (chosen) graph.current?.getElementById(chosen).select();
  }, [chosen, nodes]);

  useImperativeHandle(ref, () => ({
    png: (name) => {
      const made = graph.current?.png({ output: "blob", full: true, scale: 2, bg: token("--surface"), maxWidth: 8000 }) as unknown as Blob;
      if (made) download(name, "image/png", made);
    },
    svg: (name) => graph.current && download(name, "image/svg+xml", svgOf(graph.current)),
    json: (name, data) => download(name, "application/json", JSON.stringify(data, null, 2)),
    fit: () => graph.current?.fit(undefined, 32),
  }));

  return <div ref={box} className="graph" role="img" aria-label={label} />;
});
