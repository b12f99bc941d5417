// Saved searches: one's own and those that colleagues share.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { createSearch, deleteSearch, listSearches, replaceSearch, type SearchRequest, type SearchResponse } from "@/api";
import { useAddress, useScope } from "@/app/scope";
import { useCan, useSession } from "@/app/session";
import { readSaved, type SavedQuery } from "@/lib/hunt";
import { plainText } from "@/lib/safetext";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Input } from "@/ui/Field";
import { Menu, type MenuItem } from "@/ui/Menu";
import { Text } from "@/ui/Text";
import { useToast } from "@/ui/Toast";

const NAME_MAX = 128;

function useCurrent(): SavedQuery {
  const [search] = useAddress();
  return {
    q: search.get("q") ?? "", f: search.getAll("f"), from: search.get("from") ?? "", to: search.get("to") ?? "",
    host: search.get("host") ?? "", order: search.get("order") ?? "",
  };
}

type Open = { kind: "save" } | { kind: "rename" | "delete"; search: SearchResponse } | null;

function SaveDialog({ search, tenant, query, onClose, onSaved }: {
  search: SearchResponse | null; tenant: string | null; query: SavedQuery; onClose: () => void; onSaved: (saved: SearchResponse) => void;
}) {
  const [name, setName] = useState(search?.name ?? "");
  const [shared, setShared] = useState(search?.shared ?? false);
  const form = useRef<HTMLFormElement>(null);
  // A dialog opens with its first button focused: the name is what one came for.
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const save = useMutation({
    mutationFn: (body: SearchRequest) => (search ? replaceSearch(search.search_id, body) : createSearch(body)),
    onSuccess: onSaved,
  });
  const submit = () => save.mutate({
    ...(search ? {} : tenant ? { tenant_id: tenant } : {}), name: name.trim(), shared,
    query: search ? search.query : { ...query },
  });
  return (
    <Dialog title={search ? "Rename the search" : "Save this search"} onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" disabled={!name.trim() || save.isPending} onClick={submit}>Save</Button></>}>
      <form ref={form} className="stack" onSubmit={(event) => { event.preventDefault(); if (name.trim()) submit(); }}>
        <Input label="Name" value={name} maxLength={NAME_MAX} onChange={(event) => setName(event.target.value)} error={save.error?.message} />
        <Checkbox label="Shared: others of the tenant see and run it" checked={shared} onChange={(event) => setShared(event.target.checked)} />
      </form>
    </Dialog>
  );
}

function DeleteDialog({ search, onClose, onDone }: { search: SearchResponse; onClose: () => void; onDone: () => void }) {
  const remove = useMutation({ mutationFn: () => deleteSearch(search.search_id), onSuccess: onDone });
  return (
    <Dialog title="Delete the search?" onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>Delete</Button></>}>
      <p><Text value={search.name} max={NAME_MAX} />{search.shared ? " is shared; others lose it as well." : " is yours alone."}</p>
      {remove.error && <p className="field-error" role="alert">{remove.error.message}</p>}
    </Dialog>
  );
}

export function Saved() {
  const { tenant } = useScope();
  const { me } = useSession();
  const can = useCan();
  const toast = useToast();
  const cache = useQueryClient();
  const [search, set] = useAddress();
  const current = useCurrent();
  const [open, setOpen] = useState<Open>(null);
  const list = useQuery({
    queryKey: ["searches", tenant],
    queryFn: ({ signal }) => listSearches(tenant ? { tenant_id: tenant } : {}, signal),
    enabled: can("searches.read"),
  });
  const all = list.data?.searches ?? [];
  const chosen = all.find((one) => one.search_id === search.get("saved"));
  const mine = (one: SearchResponse) => one.owner === me.actor && can("searches.write", one.tenant_id);
  const update = useMutation({
    mutationFn: (one: SearchResponse) => replaceSearch(one.search_id, { name: one.name, shared: one.shared, query: { ...current } }),
    onSuccess: () => { void cache.invalidateQueries({ queryKey: ["searches"] }); toast({ text: "Saved" }); },
    onError: (error) => toast({ text: error.message, kind: "problem" }),
  });
  const run = (one: SearchResponse) => {
    const saved = readSaved(one.query);
    set({ ...saved, saved: one.search_id, panel: null, tab: null, at: null });
  };
  const done = (saved?: SearchResponse) => {
    setOpen(null);
    void cache.invalidateQueries({ queryKey: ["searches"] });
    if (open?.kind !== "delete") toast({ text: "Saved" });
    set({ saved: saved?.search_id ?? null }, true);
  };
  const rows = (title: string, some: SearchResponse[]): MenuItem[] => some.length ? [
    { kind: "heading", label: title },
    ...some.map((one): MenuItem => ({ label: <Text value={one.name} max={60} />, checked: one === chosen, run: () => run(one) })),
  ] : [];
  const items = (): MenuItem[] => {
    const own = all.filter((one) => one.owner === me.actor);
    const others = all.filter((one) => one.owner !== me.actor);
    const lists = [...rows("Yours", own), ...rows("Shared with you", others)];
    return [
      ...(lists.length ? lists : [{ kind: "heading" as const, label: list.error ? "Saved searches could not be loaded" : "No saved search yet" }]),
      ...(can("searches.write", tenant) ? [{ kind: "separator" as const, label: "" }, { label: "Save this search…", run: () => setOpen({ kind: "save" }) }] : []),
      ...(chosen && mine(chosen) ? [
        { label: "Save changes to it", run: () => update.mutate(chosen) },
        { label: "Rename or share…", run: () => setOpen({ kind: "rename", search: chosen }) },
        { label: "Delete…", run: () => setOpen({ kind: "delete", search: chosen }) },
      ] : []),
    ];
  };
  if (!can("searches.read")) return null;
  return (
    <>
      <Menu align="end" items={items} label={`Saved searches${chosen ? `: ${plainText(chosen.name, NAME_MAX)}` : ""}`}
        button={<>{chosen ? <Text value={chosen.name} max={28} /> : "Saved searches"} <span aria-hidden="true">▾</span></>} />
      {open?.kind === "save" && <SaveDialog search={null} tenant={tenant} query={current} onClose={() => setOpen(null)} onSaved={done} />}
      {open?.kind === "rename" && <SaveDialog search={open.search} tenant={tenant} query={current} onClose={() => setOpen(null)} onSaved={done} />}
      {open?.kind === "delete" && <DeleteDialog search={open.search} onClose={() => setOpen(null)} onDone={() => done()} />}
    </>
  );
}
