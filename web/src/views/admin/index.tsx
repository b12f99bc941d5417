// What keeps the platform in order. Each tab is an address, and is there only for whom it answers.
import { useEffect, type ComponentType } from "react";
import { useLocation } from "react-router-dom";
import { useCan } from "@/app/session";
import { Link, useGo } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { Audit } from "./Audit";
import { DeadLetters } from "./DeadLetters";
import { Models } from "./Models";
import { PostureChecks } from "./PostureChecks";
import { Suppressions } from "./Suppressions";
import { Tenants } from "./Tenants";
import { Tokens } from "./Tokens";
import "./admin.css";

interface AdminTab {
  id: string;
  label: string;
  action: string;
  View: ComponentType;
}

const TABS: readonly AdminTab[] = [
  { id: "tokens", label: "Tokens", action: "tokens.read", View: Tokens },
  { id: "tenants", label: "Tenants", action: "tenants.write", View: Tenants },
  { id: "suppressions", label: "Suppressions", action: "suppressions.read", View: Suppressions },
  { id: "models", label: "Models", action: "models.read", View: Models },
  { id: "audit", label: "Audit log", action: "audit.read", View: Audit },
  { id: "dead-letters", label: "Dead letters", action: "dead-letters.read", View: DeadLetters },
  { id: "posture", label: "Posture", action: "config.read", View: PostureChecks },
];

export default function Admin() {
  const can = useCan();
  const go = useGo();
  const { pathname } = useLocation();
  const tabs = TABS.filter((tab) => can(tab.action));
  const asked = pathname.split("/")[2] ?? "";
  const here = tabs.find((tab) => tab.id === asked);
  const first = tabs[0]?.id;
  useEffect(() => {
    if (!asked && first) go(`/admin/${first}`);
  }, [asked, first, go]);

  return (
    <Page title="Administration" fill>
      {here ? (
        <Tabs label="Administration" tabs={tabs} value={here.id} onChange={(id) => go(`/admin/${id}`)}>
          <here.View />
        </Tabs>
      ) : asked ? (
        <EmptyState title="Nothing here for you">
          Either this address leads nowhere, or your token has no right to it. <Link to="/">To the summary</Link>
        </EmptyState>
      ) : null}
    </Page>
  );
}
