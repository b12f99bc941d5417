import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";

interface Shared {
  label: string;
  /** The label is read out but not drawn. */
  hideLabel?: boolean;
  hint?: ReactNode;
  error?: string | null | undefined;
}

/** A label, its control and what is wrong with it, tied together for screen readers. */
export function Field({
  label, hideLabel, hint, error, children,
}: Shared & { children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode }) {
  const id = useId();
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? "sr-only" : "field-label"}>
        {label}
      </label>
      {children({ id, ...(about ? { "aria-describedby": about } : {}), ...(error ? { "aria-invalid": true as const } : {}) })}
      {about && (
        <div id={about} className={error ? "field-error" : "field-hint"} role={error ? "alert" : undefined}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

function shared<T extends Shared>(props: T): [Shared, Omit<T, keyof Shared>] {
  const { label, hideLabel, hint, error, ...rest } = props;
  return [{ label, hint, error, ...(hideLabel === undefined ? {} : { hideLabel }) }, rest];
}

export function Input(props: Shared & InputHTMLAttributes<HTMLInputElement>) {
  const [field, rest] = shared(props);
  return <Field {...field}>{(ids) => <input className="input" {...rest} {...ids} />}</Field>;
}

export function TextArea(props: Shared & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const [field, rest] = shared(props);
  return <Field {...field}>{(ids) => <textarea className="input" rows={3} {...rest} {...ids} />}</Field>;
}

export interface Option {
  value: string;
  label: string;
}

export function Select({ options, ...props }: Shared & SelectHTMLAttributes<HTMLSelectElement> & { options: readonly Option[] }) {
  const [field, rest] = shared(props);
  return (
    <Field {...field}>
      {(ids) => (
        <select className="input" {...rest} {...ids}>
          {options.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Checkbox({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="checkbox">
      <input type="checkbox" {...rest} /> {label}
    </label>
  );
}
