// Which view is shown: the part of the address behind the `#`, which no server ever sees. No name and no token goes there.

import { useEffect, useState } from "preact/hooks";

export function useRoute(): string {
  const [route, setRoute] = useState(current());
  useEffect(() => {
    const changed = (): void => setRoute(current());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

export function goTo(route: string): void {
  location.hash = `#/${route}`;
}

function current(): string {
  return location.hash.replace(/^#\/?/, "");
}
