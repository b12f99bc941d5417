import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import { ApiError } from "@/api";
import { Link } from "@/ui/Link";
import { Page } from "@/ui/Page";
import { EmptyState } from "@/ui/states";
import { ToastProvider } from "@/ui/Toast";
import { Frame } from "./Frame";
import { KeysProvider } from "./keys";
import { ROUTES } from "./routes";
import { SessionProvider } from "./session";

/** An answer that says no says it again: only what may pass is tried again. */
function retry(failures: number, error: unknown): boolean {
  if (error instanceof ApiError) return failures < 2 && (error.status === 429 || error.status === 503);
  return failures < 1;
}

const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry,
      retryDelay: (attempt, error) =>
        error instanceof ApiError && error.retryAfter ? error.retryAfter * 1000 : 1000 * 2 ** attempt,
      staleTime: 10_000,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

function NotFound() {
  return (
    <Page title="Nothing here">
      <EmptyState title="This address leads nowhere">
        <Link to="/">To the summary</Link>
      </EmptyState>
    </Page>
  );
}

export function App() {
  return (
    <QueryClientProvider client={client}>
      <BrowserRouter>
        <KeysProvider>
          <ToastProvider>
            <SessionProvider>
              <Frame>
                <Routes>
                  {ROUTES.map(({ path, View }) => (
                    <Route key={path} path={path} element={<View />} />
                  ))}
                  <Route path="*" element={<NotFound />} />
                </Routes>
              </Frame>
            </SessionProvider>
          </ToastProvider>
        </KeysProvider>
      </BrowserRouter>
    </QueryClientProvider>
  );
}
