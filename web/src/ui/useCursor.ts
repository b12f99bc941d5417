import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

interface PageInfo {
  next_cursor: string | null;
  total?: number;
  total_is_lower_bound?: boolean;
  incomplete?: boolean;
}

/**
 * A list of the API, page by page, as DataTable wants it.
 *   const list = useCursor(["events", query], (cursor, signal) => listEvents({ ...query, cursor }, signal), (page) => page.events);
 */
export function useCursor<Page extends PageInfo, Row>(
  key: readonly unknown[],
  fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page>,
  rowsOf: (page: Page) => Row[],
  enabled = true,
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    enabled,
  });
  const pages = query.data?.pages;
  // rowsOf is written inline by callers and does not change what it picks.
  const rows = useMemo(() => pages?.flatMap(rowsOf) ?? [], [pages]);
  const { fetchNextPage } = query;
  const onMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows,
    first: pages?.[0],
    pages: pages?.length ?? 0,
    total: pages?.[0]?.total,
    lowerBound: pages?.[0]?.total_is_lower_bound ?? false,
    /** The last search stopped at its budget: say so, more may follow. */
    incomplete: pages?.[pages.length - 1]?.incomplete ?? false,
    hasMore: query.hasNextPage,
    loadingMore: query.isFetchingNextPage,
    onMore,
    loading: query.isPending,
    /** What is shown belongs to the filters before. */
    stale: query.isPlaceholderData,
    error: query.error,
    retry: () => void query.refetch(),
  };
}
