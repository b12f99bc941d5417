import { useState, type FormEvent } from "react";
import { ApiError } from "@/api";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";

export function Login({ expired, onToken }: { expired: boolean; onToken: (token: string) => Promise<void> }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    onToken(token.trim()).catch((error: unknown) => {
      setBusy(false);
      const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      setProblem(refused ? "This token is not valid: mistyped, revoked or expired." : error instanceof Error ? error.message : String(error));
    });
  };

  return (
    <main className="login">
      <form onSubmit={submit}>
        <h1>
          <img src="/icon.svg" alt="" width={28} height={28} /> Logster
        </h1>
        {expired && (
          <p className="login-note" role="status">
            Your session has ended. Sign in and you are back where you were.
          </p>
        )}
        <Input
          label="Access token"
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          spellCheck={false}
          value={token}
          onChange={(event) => setToken(event.target.value)}
          hint="Begins with lgt_. The first one lies in admin-token in the data folder."
          error={problem}
        />
        <Button type="submit" kind="primary" disabled={busy || !token.trim()}>
          {busy ? "Signing in…" : "Sign in"}
        </Button>
      </form>
    </main>
  );
}
