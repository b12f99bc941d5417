import { Component, type ErrorInfo, type ReactNode } from "react";
import { ErrorState } from "@/ui/states";

/** Keeps a view's failure in the view: the frame stays, and another view still works. */
export class ErrorBoundary extends Component<{ at: string; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override componentDidUpdate(before: { at: string }): void {
    if (before.at !== this.props.at && this.state.error) this.setState({ error: null });
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return <ErrorState error={this.state.error} what="This view" onRetry={() => this.setState({ error: null })} />;
  }
}
