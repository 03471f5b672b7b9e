// A labelled field. Its label is always there to be read, and its hint is read out with it.

import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly children: (ids: { readonly id: string; readonly "aria-describedby"?: string }) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(hint === undefined ? {} : { "aria-describedby": `${id}-hint` }) })}
      {hint === undefined ? null : (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

export interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly hint?: string;
  readonly required?: boolean;
  readonly rows?: number;
  readonly type?: "text" | "password";
  readonly autofocus?: boolean;
}

/** Of its own type, or the library would not take them. */
const SHOWN = { text: { type: "text" }, password: { type: "password" } } as const;

export function Text({ label, value, change, hint, rows, type = "text", ...rest }: TextProps): JSX.Element {
  const common = { value, spellcheck: false, autocomplete: "off", ...rest } as const;
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })}>
      {(ids) =>
        rows === undefined ? (
          <input {...ids} {...common} {...SHOWN[type]} onInput={(event) => change(event.currentTarget.value)} />
        ) : (
          <textarea {...ids} rows={rows} {...common} onInput={(event) => change(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly of: readonly T[];
  readonly change: (value: T) => void;
}

export function Choice<T extends string>({ label, value, of, change }: ChoiceProps<T>): JSX.Element {
  return (
    <Field label={label}>
      {(ids) => (
        <select {...ids} value={value} onChange={(event) => change(event.currentTarget.value as T)}>
          {of.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
