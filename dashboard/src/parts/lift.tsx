// Lifts a revocation, once it was asked why.

import type { JSX } from "preact";
import { remove } from "../api.ts";
import { Act } from "./act.tsx";

export interface LiftProps {
  readonly id: string;
  /** Of what is let in again. */
  readonly name: string;
  readonly done: () => void;
}

export function Lift({ id, name, done }: LiftProps): JSX.Element {
  return (
    <Act
      label="Lift …"
      look="quiet"
      title={`Lift the revocation of ${name}`}
      consequence="Tokens that it refused, and that are good otherwise, are let in again within a second."
      confirm="Lift it"
      leave="Leave it"
      act={(reason) => remove(`/v1/revocations/${encodeURIComponent(id)}`, { reason })}
      done={done}
    />
  );
}
