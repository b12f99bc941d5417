import { Page } from "@/ui/Page";
import { EmptyState } from "@/ui/states";

export default function View() {
  return (
    <Page title="Distribution">
      <EmptyState title="This view is being built" />
    </Page>
  );
}
