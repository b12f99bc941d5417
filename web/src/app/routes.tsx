// One lazily loaded chunk per view. A view's own file is all that its author touches.
import { lazy, type LazyExoticComponent, type ComponentType } from "react";

export interface RouteEntry {
  path: string;
  View: LazyExoticComponent<ComponentType>;
}

export const ROUTES: readonly RouteEntry[] = [
  { path: "/", View: lazy(() => import("@/views/summary")) },
  { path: "/alerts", View: lazy(() => import("@/views/alerts")) },
  { path: "/alerts/:id", View: lazy(() => import("@/views/alert")) },
  { path: "/hosts", View: lazy(() => import("@/views/hosts")) },
  { path: "/hosts/:id", View: lazy(() => import("@/views/host")) },
  { path: "/timeline", View: lazy(() => import("@/views/timeline")) },
  { path: "/attacks", View: lazy(() => import("@/views/attacks")) },
  { path: "/inferences/:id", View: lazy(() => import("@/views/inference")) },
  { path: "/inferences/:id/graph", View: lazy(() => import("@/views/graph")) },
  { path: "/hunt", View: lazy(() => import("@/views/hunt")) },
  { path: "/analytics", View: lazy(() => import("@/views/analytics")) },
  { path: "/distribution", View: lazy(() => import("@/views/distribution")) },
  { path: "/admin/*", View: lazy(() => import("@/views/admin")) },
];

export interface NavEntry {
  path: string;
  label: string;
  icon: string;
  /** Second key after g. */
  hotkey: string;
  /** Shown only to whom one of these actions is allowed. */
  actions: readonly string[];
}

export const NAVIGATION: readonly NavEntry[] = [
  { path: "/", label: "Summary", icon: "grid", hotkey: "s", actions: ["inferences.read"] },
  { path: "/alerts", label: "Alerts", icon: "flag", hotkey: "a", actions: ["alerts.read"] },
  { path: "/hosts", label: "Hosts", icon: "hosts", hotkey: "h", actions: ["endpoints.read"] },
  { path: "/timeline", label: "Timeline", icon: "wave", hotkey: "t", actions: ["inferences.read"] },
  { path: "/attacks", label: "Recent attacks", icon: "target", hotkey: "r", actions: ["inferences.read"] },
  { path: "/hunt", label: "Hunt", icon: "search", hotkey: "e", actions: ["events.read"] },
  { path: "/analytics", label: "Analytics", icon: "chart", hotkey: "n", actions: ["inferences.read"] },
  { path: "/distribution", label: "Distribution", icon: "bars", hotkey: "d", actions: ["inferences.read"] },
  {
    path: "/admin", label: "Administration", icon: "gear", hotkey: "m",
    actions: ["tokens.read", "audit.read", "config.read", "dead-letters.read", "suppressions.write"],
  },
];
