// Links keep the scope (time range, zone, tenant, host) of the address they stand on.
import { forwardRef } from "react";
import { Link as RouterLink, useSearchParams, type LinkProps } from "react-router-dom";
import { useCallback } from "react";
import { useNavigate } from "react-router-dom";
import { addressOf } from "@/lib/urlstate";

type Params = Parameters<typeof addressOf>[2];

interface Props extends Omit<LinkProps, "to"> {
  to: string;
  params?: Params;
}

export const Link = forwardRef<HTMLAnchorElement, Props>(function Link({ to, params, ...rest }, ref) {
  const [search] = useSearchParams();
  return <RouterLink ref={ref} to={addressOf(to, search, params)} {...rest} />;
});

/** The same for code: go("/alerts", { severity: "high" }). */
export function useGo(): (to: string, params?: Params) => void {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  return useCallback((to, params) => navigate(addressOf(to, search, params)), [navigate, search]);
}
