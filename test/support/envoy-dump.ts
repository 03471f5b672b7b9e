// A /config_dump as Envoy gives it, of the reference configuration with one edit, without an Envoy.
import { referenceConfig, type EnvoyParts, type Settings } from "./envoy.ts";

const ADMIN = "type.googleapis.com/envoy.admin.v3";

export interface DumpOptions {
  readonly edit?: (parts: EnvoyParts) => void;
  readonly version?: readonly [major: number, minor: number, patch: number];
  /** Parts besides bootstrap, static listeners and static clusters. */
  readonly parts?: readonly Settings[];
}

export function dumpOf({ edit, version = [1, 40, 0], parts = [] }: DumpOptions = {}): Settings {
  const reference = referenceConfig({ portcullis: 9001, upstreamPort: 8080, ...(edit === undefined ? {} : { edit }) });
  const { listeners, clusters } = reference["static_resources"] as Record<"listeners" | "clusters", Settings[]>;
  const [major, minor, patch] = version;
  const node = {
    user_agent_build_version: { version: { major_number: major, minor_number: minor, patch } },
  };
  return {
    configs: [
      { "@type": `${ADMIN}.BootstrapConfigDump`, bootstrap: { node, ...reference } },
      { "@type": `${ADMIN}.ListenersConfigDump`, static_listeners: listeners.map((listener) => ({ listener })) },
      { "@type": `${ADMIN}.ClustersConfigDump`, static_clusters: clusters.map((cluster) => ({ cluster })) },
      ...parts,
    ],
  };
}
