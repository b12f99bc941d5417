import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";

export interface MenuItem {
  label: ReactNode;
  run?: () => void;
  /** A heading or a line instead of something to choose. */
  kind?: "item" | "heading" | "separator";
  checked?: boolean;
  hotkey?: string;
  disabled?: boolean;
}

interface Props {
  /** Name of the button for screen readers, where its content does not say it. */
  label?: string;
  button: ReactNode;
  className?: string;
  items: MenuItem[] | (() => MenuItem[]);
  align?: "start" | "end";
}

/** A button with a small list of things to do; arrows, Home, End, Escape as everywhere. */
export function Menu({ label, button, className, items, align = "start" }: Props) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    anchor.current?.focus();
  };
  return (
    <>
      <button
        ref={anchor}
        type="button"
        className={className ?? "button button-plain"}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation();
          setOpen((old) => !old);
        }}
      >
        {button}
      </button>
      {open && anchor.current && (
        <MenuList id={id} anchor={anchor.current} align={align} items={typeof items === "function" ? items() : items} onClose={close} />
      )}
    </>
  );
}

function MenuList({ id, anchor, align, items, onClose }: { id: string; anchor: HTMLElement; align: "start" | "end"; items: MenuItem[]; onClose: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });

  useLayoutEffect(() => {
    const from = anchor.getBoundingClientRect();
    const size = list.current!.getBoundingClientRect();
    const left = align === "end" ? from.right - size.width : from.left;
    const below = from.bottom + 4 + size.height <= window.innerHeight;
    setPlace({
      left: Math.max(8, Math.min(left, window.innerWidth - size.width - 8)),
      top: below ? from.bottom + 4 : Math.max(8, from.top - size.height - 4),
    });
    list.current?.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled)")?.focus();
  }, [anchor, align]);

  useEffect(() => {
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!list.current?.contains(target) && !anchor.contains(target)) onClose();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  });

  const onKey = (event: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else return;
    event.preventDefault();
  };

  return createPortal(
    <div ref={list} id={id} role="menu" className="menu" style={place} onKeyDown={onKey} onClick={(event) => event.stopPropagation()}>
      {items.map((item, at) =>
        item.kind === "separator" ? (
          <div key={at} role="separator" className="menu-line" />
        ) : item.kind === "heading" ? (
          <div key={at} role="presentation" className="menu-heading">
            {item.label}
          </div>
        ) : (
          <button
            key={at}
            type="button"
            role={item.checked === undefined ? "menuitem" : "menuitemradio"}
            aria-checked={item.checked}
            tabIndex={-1}
            disabled={item.disabled}
            className="menu-item"
            onClick={() => {
              onClose();
              item.run?.();
            }}
          >
            <span className="menu-check" aria-hidden="true">
              {item.checked ? "✓" : ""}
            </span>
            <span className="menu-label">{item.label}</span>
            {item.hotkey && <kbd aria-hidden="true">{item.hotkey}</kbd>}
          </button>
        ),
      )}
    </div>,
    // Inside a landmark, and inside the dialog that it was opened from, which would cover it otherwise.
    anchor.closest("dialog") ?? document.querySelector("main") ?? document.body,
  );
}
