// A node's share of the verdict as one of six steps, so that two graphs can be compared by eye.

export const SHARE_STEPS = 6;

const LIMITS = [0.005, 0.02, 0.05, 0.12, 0.25];

/** 0 (nothing) to 5 (a quarter of the verdict or more). */
export function shareStep(share: number | null | undefined): number {
  if (share === null || share === undefined || !Number.isFinite(share)) return 0;
  const size = Math.abs(share);
  const step = LIMITS.findIndex((limit) => size < limit);
  return step === -1 ? SHARE_STEPS - 1 : step;
}

/** The CSS token of a step. */
export function shareToken(share: number | null | undefined): string {
  return `--share-${shareStep(share)}`;
}
