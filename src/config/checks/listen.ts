// Checks that no two listeners want the same address.

import { formatAddress, readAddress } from "../address.ts";
import { LISTEN } from "../defaults.ts";
import type { Path } from "../tree.ts";
import type { Look } from "./look.ts";

export function checkListen(look: Look): void {
  const seen = new Map<string, string>();
  for (const [path, text] of listeners(look)) {
    const address = readAddress(text);
    // Port 0 is another port each time.
    if (address === undefined || (address.kind === "tcp" && address.port === 0)) continue;
    const key = formatAddress(address).toLowerCase();
    const before = seen.get(key);
    if (before === undefined) seen.set(key, path.slice(1).join("."));
    else look.wrongValue(path, `listen.${before} has this address already`, "an address of its own");
  }
}

function listeners(look: Look): readonly (readonly [Path, string])[] {
  const list = look.list("listen", "grpc");
  const grpc =
    list.length > 0
      ? list.map((_, index): readonly [Path, string] => [
          ["listen", "grpc", index],
          look.text("listen", "grpc", index) ?? "",
        ])
      : [[["listen", "grpc"], look.text("listen", "grpc") ?? LISTEN.grpc] as const];
  return [
    ...grpc,
    [["listen", "ops"], look.text("listen", "ops") ?? LISTEN.ops],
    [["listen", "control"], look.text("listen", "control") ?? LISTEN.control],
  ];
}
