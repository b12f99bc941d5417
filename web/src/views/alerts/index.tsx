import { Page } from "@/ui/Page";
import { EmptyState } from "@/ui/states";

export default function View() {
  return (
    <Page title="Alerts">
      <EmptyState title="This view is being built" />
    </Page>
  );
}
