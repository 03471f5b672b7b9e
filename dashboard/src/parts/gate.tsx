// The product's mark.

import type { JSX } from "preact";

export function Gate(): JSX.Element {
  return (
    <svg class="gate" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M4 30V14a12 12 0 0 1 24 0v16h-4v-5h-2v5h-4v-5h-4v5h-4v-5H8v5zm4-9h4v-5H8zm6 0h4v-5h-4zm6 0h4v-5h-4zM9 12h14a8 8 0 0 0-14 0z" />
    </svg>
  );
}
