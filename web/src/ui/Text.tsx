// The one way to show text that came from outside.
import { useMemo } from "react";
import { middleEllipsis, pieces, plainText } from "@/lib/safetext";

interface Props {
  value: string | null | undefined;
  /** Most characters shown. */
  max?: number;
  /** Keep both ends: for paths. */
  middle?: boolean;
  mono?: boolean;
  /** Lines break: in panels; else one line with an ellipsis. */
  wrap?: boolean;
  className?: string;
}

const TITLE_MAX = 1000;

export function Text({ value, max = 500, middle = false, mono = false, wrap = false, className }: Props) {
  const shown = useMemo(() => {
    if (!value) return null;
    return pieces(middle ? middleEllipsis(value, max) : value, max);
  }, [value, max, middle]);
  if (!value || !shown) return <span className="faint">–</span>;
  const cut = shown.cut > 0 || (middle && value.length > max);
  const classes = ["text", mono && "mono", wrap ? "text-wrap" : "text-line", className].filter(Boolean).join(" ");
  return (
    // Isolated and forced left to right: what is inside can never reorder what is around it.
    <bdi dir="ltr" className={classes} title={cut || !wrap ? plainText(value, TITLE_MAX) : undefined}>
      {shown.pieces.map((piece, at) =>
        piece.mark ? (
          <span key={at} className="mark" title={piece.mark}>
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
      {shown.cut > 0 && <span className="faint">… {shown.cut.toLocaleString("en").replaceAll(",", "\u202f")} more</span>}
    </bdi>
  );
}
