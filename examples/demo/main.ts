// `make demo`: the main job, by real HTTP through a real Envoy, each step timed and checked. Exits 0 only if all came out
// right; whatever happens, nothing it started is left running (unless KEEP=1, and then until Ctrl-C).
import { badTokens, goodCalls, revocations, storeOutage } from "./acts.ts";
import { PEOPLE } from "./people.ts";
import { keyRotation, logOutEverywhere, opaqueToken, refreshTheft, secondIssuer } from "./session-acts.ts";
import { buildStage, type Stage } from "./stage.ts";
import { startWalk } from "./walk.ts";

const write = (text: string): void => void process.stdout.write(text);
const walk = startWalk(write, process.stdout.isTTY && process.env["NO_COLOR"] === undefined);
const keep = (process.env["KEEP"] ?? "") !== "";

const interrupted = new Promise<"interrupted">((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve("interrupted"));
});

async function play(stage: Stage): Promise<boolean> {
  await goodCalls(stage, walk);
  await badTokens(stage, walk);
  await revocations(stage, walk);
  await refreshTheft(stage, walk);
  await logOutEverywhere(stage, walk);
  await secondIssuer(stage, walk);
  await keyRotation(stage, walk);
  await opaqueToken(stage, walk);
  await storeOutage(stage, walk);
  const right = walk.finish();
  if (!right)
    write(
      `\nPortcullis wrote:\n${stage.portcullis.output()}\nEnvoy wrote:\n${stage.envoy.process.output()}\nThe identity service wrote:\n${stage.identityLog()}\n`,
    );
  return right;
}

function urls(stage: Stage): string {
  const { envoy, identity, controlUrl, tokenFile, opsUrl, adminToken } = stage;
  return `
Left running until Ctrl-C. To open in a browser:
  the shop, through Envoy      ${envoy.url}/
  the dashboard                ${controlUrl}/
  the identity service         ${identity.issuer}/account
Sign in as alice (${PEOPLE.alice.password}), or as root (${PEOPLE.root.password}), who alone may use the dashboard.
Try it in two windows. In one, sign in to the shop and press its buttons. In the other, sign out everywhere, or revoke: by
the dashboard, or from a shell, in this folder:
  export PORTCULLIS_CONTROL_URL=${controlUrl} PORTCULLIS_TOKEN=$(cat ${tokenFile})
  bin/portcullis revoke user alice --issuer main --reason test

Further:
  the control API              ${controlUrl}/openapi.json
  a sidecar's view             ${opsUrl}/status
  an administrator's call      curl -X POST -H "authorization: Bearer ${adminToken}" ${identity.privateUrl}/users/alice/disable
`;
}

async function run(): Promise<number> {
  write("Starting the identity service, a shop, portcullis dev and a real Envoy …\n");
  const building = buildStage();
  const stage = await Promise.race([building, interrupted]);
  if (stage === "interrupted") {
    await building.then((built) => built.strike());
    return 130;
  }
  try {
    const right = await Promise.race([play(stage), interrupted]);
    if (right === "interrupted") return 130;
    if (keep) {
      write(urls(stage));
      await interrupted;
    }
    return right ? 0 : 1;
  } finally {
    await stage.strike();
  }
}

process.exit(await run());
