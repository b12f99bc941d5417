import type { ButtonHTMLAttributes } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  /** The key that does the same, shown beside the label. */
  hotkey?: string;
}

export function Button({ kind = "plain", hotkey, className, children, type = "button", ...rest }: Props) {
  return (
    <button type={type} className={`button button-${kind} ${className ?? ""}`} {...rest}>
      {children}
      {hotkey && <kbd aria-hidden="true">{hotkey}</kbd>}
    </button>
  );
}
